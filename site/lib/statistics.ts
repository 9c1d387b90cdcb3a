/** Which statistics stand together, and in which order. */
import {
  componentNames,
  type DefinitionId,
  definitionIds,
  definitions,
  interpScoreComponents,
} from '../../runner/report/definitions.ts';
import type { EvaluationRecord, Measure } from '../../runner/report/schema.ts';

export type StatisticGroup =
  | 'Reconstruction and sparsity'
  | 'Loss'
  | 'InterpScore'
  | 'Concepts'
  | 'Other evaluations';

/** Parts of the composite; they stand in the record's `interpscore`, with the window it was taken over. */
const scoreMetrics = new Set(['l0_score', 'sparse_probing', 'tpp', 'interpscore']);
/** Values over k or N, which have their own parts of a record. */
const conceptMetrics = new Set(['probe_acc_k', 'probe_auc_k', 'tpp_n', 'scr_n']);
/** Suites that are read from others' files and not run here. */
const otherMetrics = /^(absorption|split_latents|autointerp|ravel|unlearning)/;
/** What a record holds elsewhere than among its metrics, or what is only ever read from others' files. */
const notExpected = (id: DefinitionId): boolean =>
  id === 'density@v1' ||
  id === 'skill@v1' ||
  id === 'var_exp@saebench-0.6' ||
  id.endsWith('@dictionary-learning');

export function groupOf(id: DefinitionId): StatisticGroup {
  const { metric } = definitions[id];
  if (scoreMetrics.has(metric)) return 'InterpScore';
  if (conceptMetrics.has(metric)) return 'Concepts';
  if (otherMetrics.test(metric)) return 'Other evaluations';
  return /^(loss|kl)_/.test(metric) ? 'Loss' : 'Reconstruction and sparsity';
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
      !notExpected(id) &&
      entry.metrics[id] === undefined &&
      !components.some((component) => component === id),
  );
}

/** Variance explained as the record has it: pooled where there is one, else the variant it gives. */
export function headlineVariance(entry: EvaluationRecord): Statistic | null {
  const ids = [
    'var_exp@pooled-v1',
    'var_exp@chunk-v1',
    'var_exp@saebench-legacy',
    'var_exp@dictionary-learning',
  ] as const;
  for (const id of ids) {
    const measure = entry.metrics[id];
    if (measure !== undefined && measure.value !== null) return { id, measure };
  }
  return null;
}
