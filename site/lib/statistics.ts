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

/** In order of preference: the first that a record has a value of is the one it is introduced by. */
const leads = {
  variance: [
    'var_exp@pooled-v1',
    'var_exp@chunk-v1',
    'var_exp@saebench-legacy',
    'var_exp@dictionary-learning',
  ],
  loss: [
    'loss_recovered@pooled-v1',
    'loss_recovered@interpscore-0.0.1',
    'loss_recovered@saebench-core',
    'loss_recovered@dictionary-learning',
  ],
} as const satisfies Record<string, readonly DefinitionId[]>;

/** What an SAE is introduced by: a definition, and what the record says by it. */
export interface Lead {
  id: DefinitionId;
  /** Undefined where the record has no such value by any definition. */
  measure: Measure | undefined;
}

/** Variance explained and loss recovered as the record has them: one definition of each, wherever a page names one. */
export function leadMeasures(entry: EvaluationRecord): Record<keyof typeof leads, Lead> {
  const lead = (ids: readonly [DefinitionId, ...DefinitionId[]]): Lead => {
    const id = ids.find((each) => measureOf(entry, each)?.value != null) ?? ids[0];
    return { id, measure: measureOf(entry, id) };
  };
  return { variance: lead(leads.variance), loss: lead(leads.loss) };
}
