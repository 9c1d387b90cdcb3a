/** What the trajectory charts and their tables show of each model's records. */
import type { DefinitionId } from '../../runner/report/definitions.ts';
import type { EvaluationRecord } from '../../runner/report/schema.ts';
import { type LineSeries, thin } from '../charts/line-chart.ts';
import { formatCount } from './format.ts';
import { type TrajectoryMetric, trajectoryMetrics } from './trajectory-metrics.ts';

export interface TrajectoryPanel {
  /** The records drawn, in order; the position picks the colour. */
  records: EvaluationRecord[];
  /** What at least one of them logged, a line a record (without points where it did not). */
  metrics: { metric: TrajectoryMetric; series: LineSeries[] }[];
  /** How var_exp was taken; records of one model may differ. */
  definitions: DefinitionId[];
  notes: string[];
  rows: TrajectoryRow[];
  /** Whether `rows` leaves points out. */
  thinned: boolean;
}

export interface TrajectoryRow {
  label: string;
  tokens: string;
  /** In the order of the panel's metrics. */
  cells: (string | null)[];
}

/** Rows of the table a record gets at most. */
export const TABLE_POINTS = 24;

/** Short enough to stand at the end of a line: L4, or L4·2 for the second record of a layer. */
export function layerLabel(entry: EvaluationRecord, among: readonly EvaluationRecord[]): string {
  const same = among.filter((other) => other.sae.layer === entry.sae.layer);
  return same.length > 1 ? `L${entry.sae.layer}·${same.indexOf(entry) + 1}` : `L${entry.sae.layer}`;
}

/**
 * What sets an SAE apart from others of its layer, in a few characters: `k32 s1`. Its place among them where nothing
 * does.
 */
export function shortLabel(entry: EvaluationRecord, among: readonly EvaluationRecord[]): string {
  if (among.some((other) => other.sae.layer !== entry.sae.layer) || among.length === 1)
    return layerLabel(entry, among);
  return labelBy(facts, entry, among) ?? labelBy(ownFacts(among), entry, among) ?? layerLabel(entry, among);
}

/** What sets a record apart, of these facts; null where that is nothing, or too long to be read at a line's end. */
function labelBy(
  told: readonly RecordFact[],
  entry: EvaluationRecord,
  among: readonly EvaluationRecord[],
): string | null {
  const parts = told.flatMap(({ read, mark }) => {
    const differ = new Set(among.map(read)).size > 1;
    const value = read(entry);
    return differ && value !== undefined && value !== null ? [`${mark}${value}`] : [];
  });
  const label = parts.join(' ');
  const unique = (other: EvaluationRecord): string => told.map(({ read }) => read(other)).join(' ');
  const alone = among.filter((other) => unique(other) === unique(entry)).length === 1;
  return alone && label !== '' && label.length <= LABEL_LENGTH ? label : null;
}

/** Longest text at the end of a line, characters. */
const LABEL_LENGTH = 20;

type Fact = string | number | boolean | null | undefined;

interface RecordFact {
  mark: string;
  read: (entry: EvaluationRecord) => Fact;
}

/** What SAEs of one layer may differ in, as the settings of a sweep name it. */
const facts: readonly RecordFact[] = [
  { mark: '', read: ({ sae }) => sae.architecture },
  { mark: 'n', read: ({ sae }) => sae.d_sae },
  { mark: 'k', read: ({ sae }) => sae.k },
  { mark: 'kaux', read: ({ sae }) => sae.training?.kAux },
  { mark: 'alpha', read: ({ sae }) => sae.training?.alphaAux },
  { mark: '', read: ({ sae }) => sae.training?.auxVariant },
  { mark: 'lr', read: ({ sae }) => sae.training?.learningRate },
  { mark: 's', read: ({ sae }) => sae.training?.seed },
];

/** Settings that have no mark above, such as those of one architecture alone, by their names. */
function ownFacts(among: readonly EvaluationRecord[]): RecordFact[] {
  const names = new Set(among.flatMap(({ sae }) => Object.keys(sae.training ?? {})));
  return [...names].map((name) => ({ mark: `${name} `, read: ({ sae }) => sae.training?.[name] }));
}

export interface LayerPanel {
  layer: number | null;
  panel: TrajectoryPanel;
}

/** What training logged: one panel of all records, or one a layer where a layer has several SAEs with trajectories. */
export function trajectoryPanels(records: readonly EvaluationRecord[]): LayerPanel[] {
  const drawn = records.filter((entry) => (entry.trajectory?.points.length ?? 0) > 0);
  return panelsByLayer(drawn, trajectoryPanel);
}

/** @param panelOf what is drawn of records together; null where nothing is */
export function panelsByLayer(
  drawn: readonly EvaluationRecord[],
  panelOf: (records: readonly EvaluationRecord[]) => TrajectoryPanel | null,
): LayerPanel[] {
  const byLayer = [...Map.groupBy(drawn, (entry) => entry.sae.layer)].sort(([a], [b]) => a - b);
  const groups: [number | null, readonly EvaluationRecord[]][] =
    byLayer.length > 1 && byLayer.some(([, here]) => here.length > 1) ? byLayer : [[null, drawn]];
  return groups.flatMap(([layer, here]) => {
    const panel = panelOf(here);
    return panel ? [{ layer, panel }] : [];
  });
}

/** Null when no record carries a trajectory. */
export function trajectoryPanel(records: readonly EvaluationRecord[]): TrajectoryPanel | null {
  const drawn = records.filter((entry) => (entry.trajectory?.points.length ?? 0) > 0);
  if (drawn.length === 0) return null;
  const metrics = trajectoryMetrics
    .map((metric) => ({
      metric,
      series: drawn.map((entry) => ({
        label: shortLabel(entry, drawn),
        points: pointsOf(entry).flatMap(({ tokens, [metric.key]: y }) =>
          y == null ? [] : [{ x: tokens, y }],
        ),
      })),
    }))
    .filter(({ series }) => series.some(({ points }) => points.length > 0));
  return {
    records: drawn,
    metrics,
    definitions: [...new Set(drawn.flatMap((entry) => entry.trajectory?.var_exp ?? []))],
    notes: [...new Set(drawn.flatMap((entry) => entry.trajectory?.note ?? []))],
    rows: drawn.flatMap((entry) =>
      thin(pointsOf(entry), TABLE_POINTS).map((point) => ({
        label: shortLabel(entry, drawn),
        tokens: formatCount(point.tokens),
        cells: metrics.map(({ metric }) => {
          const value = point[metric.key];
          return value == null ? null : metric.format(value);
        }),
      })),
    ),
    thinned: drawn.some((entry) => pointsOf(entry).length > TABLE_POINTS),
  };
}

/** The metrics of several panels, each once, in the order of the longest list. */
export function metricsOf(panels: readonly TrajectoryPanel[]): TrajectoryMetric[] {
  const lists = panels.map((panel) => panel.metrics.map(({ metric }) => metric));
  const byLength = lists.toSorted((a, b) => b.length - a.length);
  return [...new Map(byLength.flat().map((metric) => [metric.key, metric])).values()];
}

/** A logarithmic axis has no place for the state before the first token. */
function pointsOf(entry: EvaluationRecord): NonNullable<EvaluationRecord['trajectory']>['points'] {
  return (entry.trajectory?.points ?? [])
    .filter((point) => point.tokens > 0)
    .toSorted((a, b) => a.tokens - b.tokens);
}
