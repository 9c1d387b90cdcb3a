import type { Resamples } from './bootstrap.ts';
import type { ReconstructionTable } from './reconstruction.ts';
import { combine, NO_TOKENS, type Statistic, sumOf } from './statistic.ts';

/** `mse@per-dim-v1`: mean over tokens of ‖e‖² / d. */
export function mse(sae: ReconstructionTable, resamples: Resamples): Statistic {
  return combine(
    [sumOf(sae.errors, resamples), sumOf(sae.tokens, resamples)],
    (error, tokens) => error / (tokens * sae.width),
    NO_TOKENS,
  );
}
