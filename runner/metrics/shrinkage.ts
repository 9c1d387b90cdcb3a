/** Whether a reconstruction is shorter than what it reconstructs; 1 is unbiased in both definitions. */
import type { Resamples } from './bootstrap.ts';
import type { ReconstructionTable } from './reconstruction.ts';
import { combine, NO_TOKENS, type Statistic, sumOf, unmeasured } from './statistic.ts';

/** `l2_ratio@v1`: mean over tokens of ‖x̂‖ / ‖x‖. */
export function l2Ratio(sae: ReconstructionTable, resamples: Resamples): Statistic {
  const zeros = sumOf(sae.zeros, resamples).value;
  if (zeros > 0) return unmeasured(`x is zero on ${zeros} tokens, where the ratio is undefined`);
  return combine(
    [sumOf(sae.ratios, resamples), sumOf(sae.tokens, resamples)],
    (total, tokens) => total / tokens,
    NO_TOKENS,
  );
}

/** `bias@gated-v1`: mean ‖x̂‖² / mean x·x̂ (Rajamanoharan et al. 2024, relative reconstruction bias). */
export function bias(sae: ReconstructionTable, resamples: Resamples): Statistic {
  if (sumOf(sae.tokens, resamples).value === 0) return unmeasured(NO_TOKENS);
  return combine(
    [sumOf(sae.outputs, resamples), sumOf(sae.products, resamples)],
    (outputs, products) => outputs / products,
    'the reconstruction is orthogonal to x (or zero), so the ratio has no denominator',
  );
}
