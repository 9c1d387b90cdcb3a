/**
 * What training logged of SAEs, as columns that a chart can be drawn from at build and in the browser, and what was
 * measured of the same SAEs beside it.
 */
import { type DefinitionId, definitionIds } from '../../runner/report/definitions.ts';
import { measureOf } from '../../runner/report/measures.ts';
import type { EvaluationRecord, Kind } from '../../runner/report/schema.ts';
import { distinct, thin } from '../charts/line-chart.ts';
import { finishedOf, lightCheckpointOf } from './along-training.ts';
import { describeShape } from './shape.ts';
import { shortLabel } from './short-labels.ts';
import { type LoggedKey, trajectoryMetrics } from './trajectory-metrics.ts';

export interface TrajectoryLine {
  /** The record's id. */
  key: string;
  label: string;
  name: string;
  kind: Kind;
  shape: string;
  tokens: number[];
  /** Null where the record does not count steps, or does not say how fast it went. */
  steps: number[] | null;
  seconds: number[] | null;
  /** In the order of `tokens`; null where a point has no value. */
  logged: Partial<Record<LoggedKey, (number | null)[]>>;
}

/** What was measured of one SAE: after the steps of which light checkpoints were kept, and at the end of its training. */
export interface MeasuredLine {
  /** Of the finished SAE where it is known, else of the last checkpoint. */
  key: string;
  label: string;
  name: string;
  kind: Kind;
  shape: string;
  /** Place of the SAE's line among those logged; null where nothing was. */
  line: number | null;
  tokens: number[];
  /** By definition; low and high are ends of 95 % intervals. */
  measured: Partial<
    Record<DefinitionId, { y: (number | null)[]; low: (number | null)[]; high: (number | null)[] }>
  >;
  /** How many of its points are of checkpoints, not of the finished SAE. */
  checkpoints: number;
}

export interface TrajectorySet {
  model: string;
  lines: TrajectoryLine[];
  measured: MeasuredLine[];
  /** How var_exp was logged; records of one model may differ. */
  definitions: DefinitionId[];
  notes: string[];
}

/** Points a line keeps along either axis. */
const POINTS = 120;

/**
 * @param records of one model, light checkpoints among them
 * @returns null where nothing was logged and nothing measured along training
 */
export function trajectorySet(records: readonly EvaluationRecord[]): TrajectorySet | null {
  const drawn = records.filter(({ trajectory }) => (trajectory?.points.length ?? 0) > 0);
  const lines = drawn.map((entry) => lineOf(entry, shortLabel(entry, drawn)));
  const measured = measuredLines(records, drawn);
  if (lines.length === 0 && !measured.some(({ checkpoints }) => checkpoints > 0)) return null;
  return {
    model: records[0]?.model.id ?? '',
    lines,
    measured,
    definitions: [...new Set(drawn.flatMap(({ trajectory }) => trajectory?.var_exp ?? []))],
    notes: [...new Set(drawn.flatMap(({ trajectory }) => trajectory?.note ?? []))],
  };
}

/** A set with one more SAE, under a name of its own; null where its record has no trajectory. */
export function withRecord(set: TrajectorySet, entry: EvaluationRecord): TrajectorySet | null {
  if (set.lines.some(({ key }) => key === entry.id)) return set;
  const own = trajectorySet([entry]);
  const line = own?.lines[0];
  if (!own || !line) return null;
  const taken = new Set([...set.lines, ...set.measured].map(({ label }) => label));
  let label = line.label;
  for (let n = 2; taken.has(label); n++) label = `${line.label}·${n}`;
  return {
    ...set,
    lines: [...set.lines, { ...line, label }],
    measured: [...set.measured, ...own.measured.map((each) => ({ ...each, label, line: set.lines.length }))],
    definitions: [...new Set([...set.definitions, ...own.definitions])],
    notes: [...new Set([...set.notes, ...own.notes])],
  };
}

function factsOf(entry: EvaluationRecord, label: string) {
  return { key: entry.id, label, name: entry.sae.name, kind: entry.kind, shape: describeShape(entry) };
}

function lineOf(entry: EvaluationRecord, label: string): TrajectoryLine {
  const all = loggedPoints(entry);
  const seconds = secondsOf(all);
  const numbered = all.map((point, i) => ({ x: point.tokens, y: i }));
  // What can be told apart on a logarithmic axis or on a linear one.
  const log = distinct(
    numbered,
    { at: (x) => (POINTS_WIDTH * Math.log(x / (all[0]?.tokens ?? 1))) / logSpan(all) },
    POINTS,
  );
  const linear = thin(numbered, POINTS);
  const kept = [...new Set([...log, ...linear].map(({ y }) => y))].sort((a, b) => a - b);
  const points = kept.map((i) => all[i]!);
  return {
    ...factsOf(entry, label),
    tokens: points.map(({ tokens }) => tokens),
    steps: points.every(({ step }) => step !== undefined) ? points.map(({ step }) => step ?? 0) : null,
    seconds: seconds && kept.map((i) => Math.round(10 * seconds[i]!) / 10),
    logged: Object.fromEntries(
      trajectoryMetrics.flatMap(({ key }) =>
        all.some((point) => point[key] != null)
          ? [[key, points.map((point) => short(point[key] ?? null))]]
          : [],
      ),
    ),
  };
}

const POINTS_WIDTH = 1_000;

function logSpan(points: readonly { tokens: number }[]): number {
  return Math.log((points.at(-1)?.tokens ?? 1) / (points[0]?.tokens ?? 1)) || 1;
}

/** Five digits are more than a picture shows. */
function short(value: number | null): number | null {
  return value === null ? null : Number(value.toPrecision(5));
}

/** Seconds of training at each point, by the speed that each stretch was logged with; null where one has none. */
function secondsOf(
  points: readonly { tokens: number; tokens_per_second?: number | undefined }[],
): number[] | null {
  let before = 0;
  let seconds = 0;
  const found: number[] = [];
  for (const { tokens, tokens_per_second: speed } of points) {
    if (speed === undefined || !(speed > 0)) return null;
    seconds += (tokens - before) / speed;
    before = tokens;
    found.push(seconds);
  }
  return found;
}

/** A logarithmic axis has no place for the state before the first token. */
function loggedPoints(entry: EvaluationRecord): NonNullable<EvaluationRecord['trajectory']>['points'] {
  return (entry.trajectory?.points ?? [])
    .filter(({ tokens }) => tokens > 0)
    .toSorted((a, b) => a.tokens - b.tokens);
}

function measuredLines(
  records: readonly EvaluationRecord[],
  drawn: readonly EvaluationRecord[],
): MeasuredLine[] {
  const finished = records.filter((entry) => lightCheckpointOf(entry) === null);
  const groups = Map.groupBy(
    records.filter((entry) => lightCheckpointOf(entry) !== null && entry.sae.tokens_trained !== null),
    (entry) => {
      const { of, id } = lightCheckpointOf(entry)!;
      return finishedOf(entry, finished)?.id ?? JSON.stringify([of, entry.sae.layer, id]);
    },
  );
  const lights = [...groups].map(([key, group]) => ({
    owner: finished.find(({ id }) => id === key) ?? null,
    points: group,
  }));
  const alone = drawn
    .filter((entry) => entry.sae.tokens_trained !== null && !groups.has(entry.id))
    .map((owner) => ({ owner, points: [] as EvaluationRecord[] }));
  const shown = [...lights, ...alone].map(({ owner, points }) => ({
    owner,
    checkpoints: points.length,
    all: [...points, ...(owner === null || owner.sae.tokens_trained === null ? [] : [owner])].toSorted(
      (a, b) => tokensOf(a) - tokensOf(b),
    ),
  }));
  const lasts = shown.map(({ all, owner }) => owner ?? all.at(-1)!);
  return shown.map(({ owner, all, checkpoints }, i) => {
    const line = owner === null ? -1 : drawn.indexOf(owner);
    return {
      ...factsOf(lasts[i]!, line < 0 ? shortLabel(lasts[i]!, lasts) : shortLabel(owner!, drawn)),
      line: line < 0 ? null : line,
      tokens: all.map(tokensOf),
      measured: Object.fromEntries(
        definitionIds.flatMap((id) => {
          const measures = all.map((each) => measureOf(each, id));
          if (!measures.some((measure) => measure != null && measure.value !== null)) return [];
          const end = (which: 'low' | 'high') =>
            measures.map((measure) => (measure?.value == null ? null : (measure.interval?.[which] ?? null)));
          return [
            [
              id,
              { y: measures.map((measure) => measure?.value ?? null), low: end('low'), high: end('high') },
            ],
          ];
        }),
      ),
      checkpoints,
    };
  });
}

function tokensOf({ sae }: EvaluationRecord): number {
  return sae.tokens_trained ?? 0;
}
