/** Which statistics stand together, and in which order. */
import {
  componentNames,
  type DefinitionId,
  definitionIds,
  definitions,
  interpScoreComponents,
} from '../../runner/report/definitions.ts';
import type { EvaluationRecord, Measure } from '../../runner/report/schema.ts';

export type StatisticGroup = 'Reconstruction and sparsity' | 'Loss' | 'InterpScore';

/** Parts of the composite; they stand in the record's `interpscore`, with the window it was taken over. */
const scoreMetrics = new Set(['l0_score', 'sparse_probing', 'tpp', 'interpscore']);

export function groupOf(id: DefinitionId): StatisticGroup {
  const { metric } = definitions[id];
  if (scoreMetrics.has(metric)) return 'InterpScore';
  return metric.startsWith('loss_') ? 'Loss' : 'Reconstruction and sparsity';
}

export interface Statistic {
  id: DefinitionId;
  measure: Measure;
}

/** The statistics of one group that the record mentions, missing values included. */
export function statisticsOf(entry: EvaluationRecord, group: StatisticGroup): Statistic[] {
  return definitionIds.flatMap((id) => {
    const measure = entry.metrics[id];
    return measure !== undefined && groupOf(id) === group ? [{ id, measure }] : [];
  });
}

/** Definitions of one group that the record leaves out, here and among the composite's components. */
export function unmentioned(entry: EvaluationRecord, group: StatisticGroup): DefinitionId[] {
  const components = entry.interpscore
    ? componentNames.map((name) => interpScoreComponents[name].definition)
    : [];
  return definitionIds.filter(
    (id) =>
      groupOf(id) === group &&
      entry.metrics[id] === undefined &&
      !components.some((component) => component === id),
  );
}

/** Variance explained as the record has it: pooled where there is one, else the variant it gives. */
export function headlineVariance(entry: EvaluationRecord): Statistic | null {
  const ids = ['var_exp@pooled-v1', 'var_exp@chunk-v1', 'var_exp@saebench-legacy'] as const;
  for (const id of ids) {
    const measure = entry.metrics[id];
    if (measure !== undefined && measure.value !== null) return { id, measure };
  }
  return null;
}
