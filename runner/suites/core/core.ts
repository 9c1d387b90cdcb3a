/** Loss and KL recovered as SAEBench's core evaluation defines them, with what they are made of. */
import type { Resamples } from '../../metrics/bootstrap.ts';
import {
  type CoreTable,
  checkCore,
  coreLossRecovered,
  klRecovered,
  pooled,
} from '../../metrics/core-losses.ts';
import { difference } from '../../metrics/mover.ts';
import { type SuiteResult, suiteResult } from '../result.ts';

export type CoreDefinition =
  | 'loss_clean@saebench-core'
  | 'loss_sae@saebench-core'
  | 'loss_zero@saebench-core'
  | 'loss_recovered@saebench-core'
  | 'loss_increase@v1'
  | 'kl_sae@saebench-core'
  | 'kl_zero@saebench-core'
  | 'kl_recovered@saebench-core';

/** `resamples` are those of the core rows, the same for all SAEs. */
export function coreSuite(table: CoreTable, resamples: Resamples): SuiteResult<CoreDefinition> {
  checkCore(table);
  const { predictions, positions } = table;
  const loss = (sums: Float64Array) => pooled(sums, predictions, resamples);
  const clean = loss(table.clean);
  const sae = loss(table.sae);
  const zero = loss(table.zero);
  // Rounding may leave a value just below zero where the reconstruction is exact.
  const klSae = pooled(table.klSae, positions, resamples);
  const klZero = pooled(table.klZero, positions, resamples);
  return suiteResult({
    'loss_clean@saebench-core': clean,
    'loss_sae@saebench-core': sae,
    'loss_zero@saebench-core': zero,
    'loss_recovered@saebench-core': coreLossRecovered(clean, sae, zero),
    'loss_increase@v1': difference(sae, clean),
    'kl_sae@saebench-core': klSae,
    'kl_zero@saebench-core': klZero,
    'kl_recovered@saebench-core': klRecovered(klSae, klZero),
  });
}
