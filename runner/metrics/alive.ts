/** Latents that fire at all; a number that grows with the window, so the window in tokens belongs to it. */
import { sum } from '../math/sum.ts';
import type { Resamples } from './bootstrap.ts';
import type { FiringTable } from './firing.ts';
import { type Estimate, imageOf, NO_TOKENS, type Statistic, sumOf, unmeasured } from './statistic.ts';

/**
 * `alive@v1`: share of the latents with z_j > 0 on at least one token of the window (all tokens kept).
 *
 * Resamples: drawing documents again would see fewer distinct ones and hence fewer latents, a bias far larger than the
 * spread. So the change is taken to first order: a document counts by the latents that fire in no other, each
 * further or missing draw of it adds or removes those. That is the jackknife's influence of the document (Efron and Stein
 * 1981: its variance errs upwards), kept within 0 and 1. Where no latent fires in one document only, the interval is three
 * latents either way: as many as a Poisson count of which none was seen may stand for.
 */
export function alive(sae: FiringTable, resamples: Resamples): Statistic {
  if (sum(sae.tokens) === 0) return unmeasured(NO_TOKENS);
  let fired = 0;
  for (const count of sae.firings) if (count > 0) fired++;
  const unique = sumOf(sae.unique, resamples);
  const value = fired / sae.latents;
  const estimate: Estimate = {
    ...unique,
    value,
    samples: unique.samples.map((drawn) =>
      Math.min(1, Math.max(0, value + (drawn - unique.value) / sae.latents)),
    ),
    leftOut: unique.leftOut.map(({ resamples: of, values }) => ({
      resamples: of,
      values: values.map((left) => value + (left - unique.value) / sae.latents),
    })),
    ...(unique.value === 0 && {
      basis: {
        kind: 'formula',
        interval: { low: value - 3 / sae.latents, high: value + 3 / sae.latents, method: 'poisson' },
      },
    }),
  };
  return estimate;
}

/** `dead_fraction@v1`: 1 − alive over the same window. */
export function deadFraction(sae: FiringTable, resamples: Resamples): Statistic {
  return imageOf(alive(sae, resamples), { to: 'complement' });
}

export interface AlivePoint {
  tokens: number;
  alive: number;
}

/** alive(window) over the first 1, 2, 5, 10, 20, 50, … tokens, and over all of them. */
export function aliveCurve(sae: FiringTable): AlivePoint[] {
  const total = sum(sae.tokens);
  const firsts = sae.first.slice().sort();
  const points: AlivePoint[] = [];
  let reached = 0;
  for (const tokens of windows(total)) {
    while (reached < firsts.length && firsts[reached]! < tokens) reached++;
    points.push({ tokens, alive: reached / sae.latents });
  }
  return points;
}

function windows(total: number): number[] {
  const found: number[] = [];
  for (let decade = 1; decade <= total; decade *= 10) {
    for (const step of [1, 2, 5]) if (step * decade < total) found.push(step * decade);
  }
  if (total > 0) found.push(total);
  return found;
}
