import { sum } from '../math/sum.ts';
import type { FiringTable } from './firing.ts';

export interface DensityHistogram {
  /** log10 of the firing frequency, ascending, on a fixed grid of quarters, so that histograms can be laid together. */
  edges: number[];
  /** Latents in [edge, next edge); the last bin includes a frequency of 1. */
  counts: number[];
  /** Latents that did not fire; their 95 % upper frequency is 3 · burst / window_tokens. */
  never: number;
  /**
   * Firings of a latent in a document in which it fires, mean over the latents that fired. Firings come in bursts, so that
   * a latent unseen in R documents may still fire in 3/R of them, and on 3 · burst / T of T tokens. Null where none fired.
   */
  burst: number | null;
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
  let bursts = 0;
  for (const [latent, firings] of sae.firings.entries()) {
    if (firings === 0) {
      never++;
      continue;
    }
    bursts += firings / sae.documents[latent]!;
    const bin = Math.floor(Math.log10(firings / tokens) * STEPS_PER_DECADE + 1e-9) - lowest;
    counts[Math.min(bin, counts.length - 1)]!++;
  }
  const fired = sae.latents - never;
  return { edges, counts, never, burst: fired > 0 ? bursts / fired : null, window_tokens: tokens };
}
