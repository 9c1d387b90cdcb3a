/** Which statistics stand together, and in which order. */
import { baseDefinitionIds, type DefinitionId, definitions } from '../../runner/report/definitions.ts';
import { measureOf } from '../../runner/report/measures.ts';
import type { EvaluationRecord, Measure } from '../../runner/report/schema.ts';

/** Of the statistics that every run measures. */
export type StatisticGroup = 'Reconstruction and sparsity' | 'Loss';

/** What a record holds elsewhere than among its metrics, or what is only ever read from others' files. */
const notExpected = (id: DefinitionId): boolean =>
  id === 'density@v1' ||
  id === 'alive_latents@v1' ||
  id === 'skill@v1' ||
  id === 'var_exp@saebench-0.6' ||
  id.endsWith('@dictionary-learning');

export interface Statistic {
  id: DefinitionId;
  measure: Measure;
}

/** The statistics of one group that the record mentions, missing values included. */
export function statisticsOf(entry: EvaluationRecord, group: StatisticGroup): Statistic[] {
  return baseDefinitionIds.flatMap((id) => {
    const measure = entry.metrics[id];
    return measure !== undefined && definitions[id].group === group ? [{ id, measure }] : [];
  });
}

/** Definitions of one group that the record leaves out, here and in its suites' parts. */
export function unmentioned(entry: EvaluationRecord, group: StatisticGroup): DefinitionId[] {
  return baseDefinitionIds.filter(
    (id) => definitions[id].group === group && !notExpected(id) && measureOf(entry, id) === undefined,
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
