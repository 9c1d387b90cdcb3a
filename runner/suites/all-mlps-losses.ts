/** Losses with a cross-layer transcoder in the place of all MLPs, with zero and with their means there. */
import type { Resamples } from '../metrics/bootstrap.ts';
import { checkLosses, damaged, type LossTable, meanOfRowMeans } from '../metrics/loss-recovered.ts';
import type { Statistic } from '../metrics/statistic.ts';
import { type SuiteResult, suiteResult } from './result.ts';

export type AllMlpsDefinition =
  | 'loss_recovered_all_mlps@v1'
  | 'loss_all_mlps@v1'
  | 'loss_clean@v1'
  | 'loss_all_mlps_zero@v1'
  | 'loss_all_mlps_mean@v1';

/** @param table whose `sae` is the transcoder */
export function allMlpsLosses(
  table: Required<LossTable>,
  resamples: Resamples,
): SuiteResult<AllMlpsDefinition> {
  checkLosses(table);
  const of = (sums: Float64Array): Statistic => meanOfRowMeans(sums, table.predictions, resamples);
  const [clean, transcoder, zero] = [of(table.clean), of(table.sae), of(table.zero)];
  return suiteResult<AllMlpsDefinition>({
    'loss_recovered_all_mlps@v1': damaged([clean, transcoder, zero], (a, b, c) => (c - b) / (c - a)),
    'loss_all_mlps@v1': transcoder,
    'loss_clean@v1': clean,
    'loss_all_mlps_zero@v1': zero,
    'loss_all_mlps_mean@v1': of(table.mean),
  });
}
