/** Loss recovered, in both definitions, with the losses it is made of. */
import type { Resamples } from '../metrics/bootstrap.ts';
import {
  checkLosses,
  type LossTable,
  lossRecoveredInterpScore,
  lossRecoveredPooled,
  meanOfRowMeans,
  pooledMean,
} from '../metrics/loss-recovered.ts';
import { type Statistic, unmeasured } from '../metrics/statistic.ts';
import { type SuiteResult, suiteResult } from './result.ts';

export type LossDefinition =
  | 'loss_clean@v1'
  | 'loss_sae@v1'
  | 'loss_zero@v1'
  | 'loss_mean@v1'
  | 'loss_recovered@interpscore-0.0.1'
  | 'loss_recovered@pooled-v1';

/** `resamples` are those of the evaluation rows, shared with the reconstruction suite. */
export function lossRecoveredSuite(table: LossTable, resamples: Resamples): SuiteResult<LossDefinition> {
  checkLosses(table);
  const { predictions } = table;
  const rowMean = (sums: Float64Array): Statistic => meanOfRowMeans(sums, predictions, resamples);
  const pooled = (sums: Float64Array): Statistic => pooledMean(sums, predictions, resamples);
  const clean = rowMean(table.clean);
  const sae = rowMean(table.sae);
  const zero = rowMean(table.zero);
  const recovered = lossRecoveredInterpScore(clean, sae, zero);
  return suiteResult<LossDefinition>(
    {
      'loss_clean@v1': clean,
      'loss_sae@v1': sae,
      'loss_zero@v1': zero,
      'loss_mean@v1': table.mean ? rowMean(table.mean) : unmeasured('mean ablation was not run'),
      'loss_recovered@interpscore-0.0.1': recovered.statistic,
      'loss_recovered@pooled-v1': lossRecoveredPooled(
        pooled(table.clean),
        pooled(table.sae),
        pooled(table.zero),
      ),
    },
    recovered.note === null ? {} : { 'loss_recovered@interpscore-0.0.1': { note: recovered.note } },
  );
}
