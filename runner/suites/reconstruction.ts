/** Reconstruction and sparsity of every SAE at one hook, from the statistics of one pass over the tokens. */
import { alive, aliveCurve, deadFraction } from '../metrics/alive.ts';
import type { Resamples } from '../metrics/bootstrap.ts';
import { centredTotal } from '../metrics/centred-total.ts';
import { cosine } from '../metrics/cosine.ts';
import { densityHistogram } from '../metrics/density.ts';
import type { HookTables } from '../metrics/hook-statistics.ts';
import { l0 } from '../metrics/l0.ts';
import { mse } from '../metrics/mse.ts';
import { bias, l2Ratio } from '../metrics/shrinkage.ts';
import { type Statistic, sumOf, unmeasured } from '../metrics/statistic.ts';
import { varExpChunk, varExpLegacy, varExpPooled } from '../metrics/variance-explained.ts';
import type { EvaluationRecord } from '../report/schema.ts';
import { type SuiteResult, suiteResult } from './result.ts';

export type ReconstructionDefinition =
  | 'var_exp@pooled-v1'
  | 'var_exp@chunk-v1'
  | 'var_exp@saebench-legacy'
  | 'mse@per-dim-v1'
  | 'cosine@v1'
  | 'l2_ratio@v1'
  | 'bias@gated-v1'
  | 'l0@v1'
  | 'alive@v1'
  | 'dead_fraction@v1';

export interface ReconstructionResult extends SuiteResult<ReconstructionDefinition> {
  curves: EvaluationRecord['curves'];
}

const NO_LATENTS = 'this control has no latents';

/** One result per SAE, in the order of `tables.saes`. Give all SAEs to be compared the same resamples. */
export function reconstructionSuite(tables: HookTables, resamples: Resamples): ReconstructionResult[] {
  const { activations } = tables;
  const total = centredTotal(activations, resamples);
  const window = { window_tokens: sumOf(activations.tokens, resamples).value };
  return tables.saes.map(({ reconstruction: sae, firing }) => {
    const statistics: Record<ReconstructionDefinition, Statistic> = {
      'var_exp@pooled-v1': varExpPooled(total, sae, resamples),
      'var_exp@chunk-v1': varExpChunk(activations, sae, resamples),
      'var_exp@saebench-legacy': varExpLegacy(sae, resamples),
      'mse@per-dim-v1': mse(sae, resamples),
      'cosine@v1': cosine(sae, resamples),
      'l2_ratio@v1': l2Ratio(sae, resamples),
      'bias@gated-v1': bias(sae, resamples),
      'l0@v1': firing ? l0(firing, resamples) : unmeasured(NO_LATENTS),
      'alive@v1': firing ? alive(firing, resamples) : unmeasured(NO_LATENTS),
      'dead_fraction@v1': firing ? deadFraction(firing, resamples) : unmeasured(NO_LATENTS),
    };
    return {
      ...suiteResult(statistics, { 'alive@v1': window, 'dead_fraction@v1': window }),
      curves: {
        alive: firing ? aliveCurve(firing) : [],
        density: firing ? densityHistogram(firing) : null,
      },
    };
  });
}
