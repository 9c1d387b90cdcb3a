/** What was measured of light checkpoints, as lines along the training of their SAE. */
import { type DefinitionId, definitionIds } from '../../runner/report/definitions.ts';
import { measureOf } from '../../runner/report/measures.ts';
import type { EvaluationRecord } from '../../runner/report/schema.ts';
import type { LinePoint } from '../charts/line-chart.ts';
import { formatCount, formatInterval } from './format.ts';
import { type LayerPanel, panelsByLayer, shortLabel, type TrajectoryPanel } from './trajectories.ts';
import { measuredMetric } from './trajectory-metrics.ts';

/** Whether a record is of an SAE that was still being trained. Such records are drawn, and not ranked. */
export function isLightCheckpoint({ sae }: EvaluationRecord): boolean {
  return sae.source?.light_checkpoint !== undefined;
}

/** Panels of one model's light checkpoints, a line an SAE; as `trajectoryPanels`. */
export function measuredPanels(records: readonly EvaluationRecord[]): LayerPanel[] {
  const lines = Map.groupBy(
    records.filter((entry) => isLightCheckpoint(entry) && entry.sae.tokens_trained !== null),
    ({ sae: { source, layer } }) =>
      JSON.stringify([source?.light_checkpoint?.of, layer, source?.light_checkpoint?.id]),
  );
  /** By the last record of each line, which stands for it. */
  const byLast = new Map(
    [...lines.values()].map((line) => {
      const sorted = line.toSorted((a, b) => tokensOf(a) - tokensOf(b));
      return [sorted.at(-1)!, sorted] as const;
    }),
  );
  return panelsByLayer([...byLast.keys()], (drawn) => panelOf(drawn, byLast));
}

function panelOf(
  drawn: readonly EvaluationRecord[],
  lines: ReadonlyMap<EvaluationRecord, readonly EvaluationRecord[]>,
): TrajectoryPanel | null {
  const along = (entry: EvaluationRecord): readonly EvaluationRecord[] => lines.get(entry) ?? [];
  const metrics = definitionIds
    .map((id) => ({
      metric: measuredMetric(id),
      series: drawn.map((entry) => ({
        label: shortLabel(entry, drawn),
        points: along(entry).flatMap((each) => pointOf(each, id)),
      })),
    }))
    .filter(({ series }) => series.some(({ points }) => points.length > 0));
  if (metrics.length === 0) return null;
  return {
    records: [...drawn],
    metrics,
    definitions: [],
    notes: [
      'Measured on held-out text after each step of which a light checkpoint was kept; whiskers are 95 % intervals.',
    ],
    rows: drawn.flatMap((entry) =>
      along(entry).map((each) => ({
        label: shortLabel(entry, drawn),
        tokens: formatCount(tokensOf(each)),
        cells: metrics.map(({ metric }) => {
          const measure = measureOf(each, metric.key);
          if (measure == null || measure.value === null) return null;
          const { value, interval } = measure;
          const bounds = interval && formatInterval(interval.low, interval.high, DIGITS);
          return bounds === null ? metric.format(value) : `${metric.format(value)} (${bounds})`;
        }),
      })),
    ),
    thinned: false,
  };
}

/** Of an interval in a table. */
const DIGITS = 3;

function tokensOf({ sae }: EvaluationRecord): number {
  return sae.tokens_trained ?? 0;
}

function pointOf(entry: EvaluationRecord, id: DefinitionId): LinePoint[] {
  const measure = measureOf(entry, id);
  if (measure == null || measure.value === null) return [];
  const { value, interval } = measure;
  return [{ x: tokensOf(entry), y: value, low: interval?.low, high: interval?.high }];
}
