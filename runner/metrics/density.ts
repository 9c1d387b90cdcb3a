import { sum } from '../math/sum.ts';
import type { FiringTable } from './firing.ts';

export interface DensityHistogram {
  /** log10 of the firing frequency, ascending, on a fixed grid of quarters, so that histograms can be laid together. */
  edges: number[];
  /** Latents in [edge, next edge); the last bin includes a frequency of 1. */
  counts: number[];
  /** Latents that did not fire: their 95 % upper frequency is 3 / window_tokens. */
  never: number;
  window_tokens: number;
}

const STEPS_PER_DECADE = 4;

/** `density@v1`: firings / tokens a latent, as a histogram of its log10; null where no tokens were kept. */
export function densityHistogram(sae: FiringTable): DensityHistogram | null {
  const tokens = sum(sae.tokens);
  if (tokens === 0) return null;
  // The rarest latent fires once: the grid begins at or below 1 / tokens. A hair keeps exact powers in their bin.
  const lowest = Math.min(-1, Math.floor(-Math.log10(tokens) * STEPS_PER_DECADE + 1e-9));
  const edges = Array.from({ length: 1 - lowest }, (_, i) => (lowest + i) / STEPS_PER_DECADE);
  const counts = new Array<number>(-lowest).fill(0);
  let never = 0;
  for (const firings of sae.firings) {
    if (firings === 0) {
      never++;
      continue;
    }
    const bin = Math.floor(Math.log10(firings / tokens) * STEPS_PER_DECADE + 1e-9) - lowest;
    counts[Math.min(bin, counts.length - 1)]!++;
  }
  return { edges, counts, never, window_tokens: tokens };
}
