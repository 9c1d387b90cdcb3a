/** Everything that follows from the columns and the reader's choices, for the page at build and in a browser. Pure. */
import type { Columns, MetricColumn } from '../lib/columns.ts';
import { composites, presetOf, publishedScore, type Weights } from './composite.ts';
import {
  compositeId,
  compositeName,
  type Field,
  filesOf,
  firstByResamples,
  firstByWeights as firstByWeightsId,
  numberFieldsOf,
  type Source,
} from './fields.ts';
import { filterRows, orderRows, type RowGroup } from './rows.ts';
import { type Scatter, scatter } from './scatter.ts';
import type { Resampled } from './stability.ts';
import { orderedStandings, publishedStandings, type Standings } from './standing.ts';
import type { State } from './state.ts';

/** What has come beside the columns. */
export interface Extras {
  loaded: ReadonlyMap<string, MetricColumn>;
  /** By the weights chosen, where the resamples are here. */
  resampled: Resampled | null;
  firstByWeights: readonly (number | null)[] | null;
}

export interface View {
  source: Source;
  state: State;
  rows: number[];
  groups: RowGroup[];
  standings: Standings;
  ranked: boolean;
  fields: Field[];
  x: Field;
  y: Field;
  /** Made when it is drawn, which is later where it is out of sight. */
  picture: () => Scatter;
  /** All that the picture follows from: equal where it would be drawn alike. */
  drawn: string;
}

/** @param before an earlier view, whose picture is taken over where nothing of it changed */
export function viewOf(
  columns: Columns,
  state: State,
  extras: Extras,
  narrow = false,
  before: View | null = null,
): View {
  const source = sourceOf(columns, state.weights, extras);
  const known = fieldsOf(columns, state.weights);
  const rows = filterRows(source, state);
  const groups = orderRows(source, state, rows);
  const standings = standingsOf(source, state.weights, extras);
  const field = (id: string): Field => known.get(id)!;
  const [x, y] = [field(state.x), field(state.y)];
  const drawn = JSON.stringify([
    pictureOf(state),
    [...extras.loaded.keys()],
    narrow,
    standsOn(state, extras),
  ]);
  return {
    source,
    state,
    rows,
    groups,
    standings,
    ranked: standings.some((standing) => standing !== null),
    fields: state.columns.map(field),
    x,
    y,
    picture:
      before !== null && drawn === before.drawn
        ? before.picture
        : lazily(() => scatter({ source, state, rows, x, y, narrow })),
    drawn,
  };
}

function lazily<T extends object>(make: () => T): () => T {
  let made: T | null = null;
  return () => {
    made ??= make();
    return made;
  };
}

function pictureOf(state: State): Partial<State> {
  const { sort, descending, columns, grouped, intervals, all, at, pick, weights, ...rest } = state;
  return rest;
}

/** Of axes that show what is computed: the weights, and of which rows resamples are here. */
function standsOn({ x, y, weights }: State, { resampled, firstByWeights }: Extras): unknown {
  const computed = [compositeId, firstByResamples, firstByWeightsId];
  return [x, y].some((id) => computed.includes(id))
    ? [weights, resampled?.low.map((end) => Number(end !== null)).join(''), firstByWeights !== null]
    : null;
}

/** What can be chosen, by id; the composite under the name of its weights. */
export function fieldsOf(columns: Columns, weights: Weights): Map<string, Field> {
  const preset = presetOf(weights);
  return new Map(
    numberFieldsOf(columns).map((field) => [
      field.id,
      field.id === compositeId
        ? {
            ...field,
            name: compositeName(preset),
            definitions: preset === 'interpscore' ? [publishedScore] : [],
          }
        : field,
    ]),
  );
}

function isPublished(weights: Weights): boolean {
  return presetOf(weights) === 'interpscore';
}

function sourceOf(columns: Columns, weights: Weights, { loaded, resampled, firstByWeights }: Extras): Source {
  const value = composites(columns, weights);
  const ends = isPublished(weights) ? loaded.get(publishedScore) : resampled;
  const nothing = new Array<null>(columns.count).fill(null);
  const computed: Source['computed'] = new Map([
    [compositeId, { value, ...(ends == null ? {} : { low: ends.low, high: ends.high }) }],
    ...(resampled === null ? [] : [[firstByResamples, { value: resampled.first }] as const]),
    [firstByWeightsId, { value: firstByWeights ?? nothing }],
  ]);
  return { columns, loaded, computed };
}

function standingsOf(source: Source, weights: Weights, { resampled }: Extras): Standings {
  if (isPublished(weights)) return publishedStandings(source.columns);
  return resampled?.standings ?? orderedStandings(source, source.computed.get(compositeId)!.value);
}

/** Ids of metrics whose files a view lacks: values of its columns and axes, and intervals where they are shown. */
export function missingFiles({ source, state }: Pick<View, 'source' | 'state'>): string[] {
  const of = (id: string, intervals: boolean): string[] =>
    filesOf(source, id === compositeId && isPublished(state.weights) ? publishedScore : id, intervals);
  return [
    ...new Set([
      ...[...state.columns, state.sort].flatMap((id) => of(id, state.intervals)),
      // An axis shows what an untrained SAE scores, which stands with the intervals.
      ...[state.x, state.y].flatMap((id) => of(id, true)),
    ]),
  ];
}

/** Whether a view needs the resamples: for how often each is first, and for ranks and intervals by other weights. */
export function needsDraws({ columns, sort, x, y, weights }: State): boolean {
  const shown = [...columns, sort, x, y];
  return shown.includes(firstByResamples) || (shown.includes(compositeId) && !isPublished(weights));
}
