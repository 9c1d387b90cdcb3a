/** A set of trajectories as charts, along the axis that the reader chose, and as a table. */
import { type DefinitionId, definitionIds, definitions } from '../../runner/report/definitions.ts';
import { formatNamed } from '../charts/formats.ts';
import { thin } from '../charts/line-chart.ts';
import type { Scale } from '../charts/scale.ts';
import type { AxisSpec, ChartSpec, SeriesSpec } from '../charts/spec.ts';
import { formatCount, formatInterval } from './format.ts';
import { html, type Markup } from './html.ts';
import type { MeasuredLine, TrajectoryLine, TrajectorySet } from './trajectories.ts';
import {
  isFlat,
  type LoggedMetric,
  measuredMetric,
  scaleOf,
  type TrajectoryMetric,
  trajectoryMetrics,
} from './trajectory-metrics.ts';
import { definitionAnchor, definitionPath } from './url.ts';

export const alongs = ['tokens', 'steps', 'time'] as const;
export type Along = (typeof alongs)[number];

export interface TrajectoryView {
  along: Along;
  scale: Scale;
  /** Keys of the SAEs that are left out. */
  without: ReadonlySet<string>;
}

export const startView: TrajectoryView = { along: 'tokens', scale: 'log', without: new Set() };

export interface TrajectoryPanel {
  metric: TrajectoryMetric;
  spec: ChartSpec;
  /** Whether nothing moves in it: then it is folded away. */
  flat: boolean;
  note: string | undefined;
  href: string | undefined;
}

/** Whether every line of a set can be drawn along an axis. */
export function canBeAlong({ lines }: TrajectorySet, along: Along): boolean {
  return along === 'tokens' || (lines.length > 0 && lines.every((line) => placesOf(line, along) !== null));
}

/** @param id distinguishes the charts of one set inside a page */
export function trajectoryPanels(set: TrajectorySet, view: TrajectoryView, id: string): TrajectoryPanel[] {
  const along = canBeAlong(set, view.along) ? view.along : 'tokens';
  return [
    ...trajectoryMetrics.flatMap((metric) => panelOf(set, metric, loggedSeries(set, metric, view, along))),
    ...measuredIds(set).flatMap((definition) =>
      panelOf(set, measuredMetric(definition), measuredSeries(set, definition, view, along)),
    ),
  ].map((panel) => ({
    ...panel,
    spec: { ...panel.spec, id: `${id}-${panel.spec.id}`, x: axisOf(along, view) },
  }));
}

/** Metrics that a set has anything of, in the order of its charts. */
export function metricsOf(set: TrajectorySet): TrajectoryMetric[] {
  return [
    ...trajectoryMetrics.filter(({ key }) => set.lines.some(({ logged }) => logged[key] !== undefined)),
    ...measuredIds(set).map(measuredMetric),
  ];
}

/** What was measured of light checkpoints. */
function measuredIds({ measured }: TrajectorySet): DefinitionId[] {
  const along = measured.filter(({ checkpoints }) => checkpoints > 0);
  return definitionIds.filter((id) => along.some((line) => line.measured[id] !== undefined));
}

function axisOf(along: Along, { scale }: TrajectoryView): AxisSpec {
  const axes = {
    tokens: { label: 'training tokens', ticks: 'tokens', values: 'tokens' },
    steps: { label: 'training steps', ticks: 'tokens', values: 'count' },
    time: { label: 'training time', ticks: 'hours', values: 'hours' },
  } as const;
  const { label, ...formats } = axes[along];
  return { label: scale === 'log' ? `${label} (log)` : label, scale, ...formats };
}

function panelOf(
  set: TrajectorySet,
  metric: TrajectoryMetric | LoggedMetric,
  series: SeriesSpec[],
): TrajectoryPanel[] {
  if (series.length === 0) return [];
  const logged = 'measuredBy' in metric;
  const values = series.map(({ y }) => y);
  const scale = scaleOf(metric, values.flat());
  const format = formatNamed(metric.values);
  const lasts = series.map(({ label, y }) => `${label} ${format(y.at(-1)!)}`);
  const beside = series.some(({ loose }) => loose);
  const ids = logged ? (metric.key === 'var_exp' ? set.definitions : []) : [metric.key];
  const notes = [
    metric.definition,
    metric.meaning,
    scale === 'log' && 'log scale',
    beside && 'points: held-out text',
  ].filter((part): part is string => typeof part === 'string' && part !== '');
  return [
    {
      metric,
      flat: logged && isFlat(values),
      note: notes.length > 0 ? notes.join('; ') : undefined,
      href: metric.definition && definitionPath(metric.definition),
      spec: {
        id: definitionAnchor(metric.key),
        heading: metric.title,
        title: `${metric.title} along training, ${set.model}`,
        description: `Last values: ${lasts.join(', ')}. All values stand in the table below.`,
        x: axisOf('tokens', startView),
        y: {
          label: metric.title,
          scale,
          ticks: metric.ticks,
          values: metric.values,
          include: metric.include,
        },
        series,
        source: [logged ? 'Logged while training' : 'Measured along training', ...ids].join(' · '),
      },
    },
  ];
}

/** Where a line's points stand along an axis; null where its record does not say. */
function placesOf(line: TrajectoryLine, along: Along): number[] | null {
  return along === 'tokens' ? line.tokens : along === 'steps' ? line.steps : line.seconds;
}

function loggedSeries(
  { lines, measured }: TrajectorySet,
  metric: LoggedMetric,
  { without }: TrajectoryView,
  along: Along,
): SeriesSpec[] {
  return lines.flatMap((line, index) => {
    const values = line.logged[metric.key];
    if (values === undefined || without.has(line.key)) return [];
    const { label, key } = line;
    const places = placesOf(line, along)!;
    const points = values.flatMap((y, i) => (y === null ? [] : [{ x: places[i]!, y }]));
    const own: SeriesSpec = { label, key, index, x: points.map(({ x }) => x), y: points.map(({ y }) => y) };
    const beside = measured.find((each) => each.line === index);
    const id = metric.measuredBy.find((each) => beside?.measured[each] !== undefined);
    return beside === undefined || id === undefined
      ? [own]
      : [
          own,
          { ...measuredPoints(beside, id, line, along), label: `${label} measured`, key, index, loose: true },
        ];
  });
}

function measuredSeries(
  { lines, measured }: TrajectorySet,
  id: DefinitionId,
  { without }: TrajectoryView,
  along: Along,
): SeriesSpec[] {
  return measured.flatMap((each, i) => {
    if (each.measured[id] === undefined || each.checkpoints === 0 || without.has(each.key)) return [];
    const line = each.line === null ? null : lines[each.line]!;
    if (line === null && along !== 'tokens') return [];
    const { label, key } = each;
    return [{ ...measuredPoints(each, id, line, along), label, key, index: each.line ?? lines.length + i }];
  });
}

function measuredPoints(
  { tokens, measured }: MeasuredLine,
  id: DefinitionId,
  line: TrajectoryLine | null,
  along: Along,
): Pick<SeriesSpec, 'x' | 'y' | 'low' | 'high'> {
  const { y, low, high } = measured[id]!;
  const kept = tokens.flatMap((_, i) => (y[i] === null ? [] : [i]));
  const places = line === null ? null : placesOf(line, along);
  return {
    x: kept.map((i) => (places === null ? tokens[i]! : interpolated(line!.tokens, places, tokens[i]!))),
    y: kept.map((i) => y[i]!),
    low: kept.map((i) => low[i]!),
    high: kept.map((i) => high[i]!),
  };
}

/** The place that belongs to a number of tokens, between the points of a line; beyond its ends in proportion to them. */
function interpolated(tokens: readonly number[], places: readonly number[], at: number): number {
  const next = tokens.findIndex((each) => each >= at);
  if (next <= 0) {
    const end = next < 0 ? tokens.length - 1 : 0;
    return (places[end]! * at) / tokens[end]!;
  }
  const share = (at - tokens[next - 1]!) / (tokens[next]! - tokens[next - 1]!);
  return places[next - 1]! + share * (places[next]! - places[next - 1]!);
}

/** Rows of the table a line gets at most. */
export const TABLE_POINTS = 24;

interface TableText {
  caption: string;
  columns: string[];
  rows: { label: string; tokens: string; cells: (string | null)[] }[];
}

/** Everything that is drawn, as tables: what was logged (every few points), and what was measured. */
export function trajectoryTables(set: TrajectorySet): TableText[] {
  const logged = trajectoryMetrics.filter(({ key }) =>
    set.lines.some((line) => line.logged[key] !== undefined),
  );
  const ids = measuredIds(set);
  const tables: TableText[] = [
    {
      caption: `Training trajectory of ${set.model}`,
      columns: logged.map(({ title }) => title),
      rows: set.lines.flatMap((line) =>
        thin(
          line.tokens.map((tokens, i) => ({ tokens, i })),
          TABLE_POINTS,
        ).map(({ tokens, i }) => ({
          label: line.label,
          tokens: formatCount(tokens),
          cells: logged.map(({ key, values }) => {
            const value = line.logged[key]?.[i];
            return value == null ? null : formatNamed(values)(value);
          }),
        })),
      ),
    },
    {
      caption: `Measured along the training of ${set.model}`,
      columns: ids.map((id) => definitions[id].title),
      rows: set.measured
        .filter(({ checkpoints }) => checkpoints > 0)
        .flatMap((line) =>
          line.tokens.map((tokens, i) => ({
            label: line.label,
            tokens: formatCount(tokens),
            cells: ids.map((id) => {
              const found = line.measured[id];
              const [value, low, high] = [found?.y[i], found?.low[i], found?.high[i]];
              if (value == null) return null;
              const text = formatNamed(measuredMetric(id).values)(value);
              return low == null || high == null
                ? text
                : `${text} (${formatInterval(low, high, definitions[id].digits)})`;
            }),
          })),
        ),
    },
  ];
  return tables.filter(({ rows }) => rows.length > 0);
}

export function drawTables(set: TrajectorySet): Markup {
  return html`${trajectoryTables(set).map(
    ({ caption, columns, rows }) =>
      html`<section class="scroller tall" aria-label="${caption}" tabindex="0"><table><caption>${caption}</caption><thead><tr><th scope="col">SAE</th><th scope="col" class="number">Tokens</th>${columns.map(
        (column) => html`<th scope="col" class="number">${column}</th>`,
      )}</tr></thead><tbody>${rows.map(
        ({ label, tokens, cells }) =>
          html`<tr><th scope="row">${label}</th><td class="number">${tokens}</td>${cells.map(
            (cell) =>
              html`<td class="number">${
                cell ??
                html`<span class="missing">n/a<span class="hidden">: No value at this point.</span></span>`
              }</td>`,
          )}</tr>`,
      )}</tbody></table></section>`,
  )}`;
}
