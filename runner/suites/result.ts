/** What a suite returns: its values as the record holds them, and with their resamples for comparing and composing. */
import { type Statistic, toMeasure } from '../metrics/statistic.ts';
import { type DefinitionId, definitions } from '../report/definitions.ts';
import type { Measure } from '../report/schema.ts';

export interface SuiteResult<Id extends DefinitionId> {
  metrics: Record<Id, Measure>;
  statistics: Record<Id, Statistic>;
}

/** Window and remarks that go into the record beside a value. */
export type Extras<Id extends DefinitionId> = { [id in Id]?: { window_tokens?: number; note?: string } };

export function suiteResult<Id extends DefinitionId>(
  statistics: Record<Id, Statistic>,
  extras: Extras<Id> = {},
): SuiteResult<Id> {
  const ids = Object.keys(statistics) as Id[];
  const metrics = Object.fromEntries(
    ids.map((id) => [id, toMeasure(statistics[id], extras[id], definitions[id].range)]),
  );
  return { statistics, metrics: metrics as Record<Id, Measure> };
}
