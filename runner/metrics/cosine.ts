import type { Resamples } from './bootstrap.ts';
import type { ReconstructionTable } from './reconstruction.ts';
import { combine, NO_TOKENS, type Statistic, sumOf, unmeasured } from './statistic.ts';

/** `cosine@v1`: mean over tokens of x·x̂ / (‖x‖ ‖x̂‖); 0 for a token reconstructed by zero, as in PyTorch. */
export function cosine(sae: ReconstructionTable, resamples: Resamples): Statistic {
  const zeros = sumOf(sae.zeros, resamples).value;
  if (zeros > 0) return unmeasured(`x is zero on ${zeros} tokens, where the cosine is undefined`);
  return combine(
    [sumOf(sae.cosines, resamples), sumOf(sae.tokens, resamples)],
    (total, tokens) => total / tokens,
    NO_TOKENS,
  );
}
