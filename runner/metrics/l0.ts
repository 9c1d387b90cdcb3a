import type { Resamples } from './bootstrap.ts';
import type { FiringTable } from './firing.ts';
import { combine, NO_TOKENS, type Statistic, sumOf } from './statistic.ts';

/** `l0@v1`: mean over tokens of the number of latents that are not zero. */
export function l0(sae: FiringTable, resamples: Resamples): Statistic {
  return combine(
    [sumOf(sae.active, resamples), sumOf(sae.tokens, resamples)],
    (active, tokens) => active / tokens,
    NO_TOKENS,
  );
}
