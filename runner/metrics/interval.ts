/**
 * The interval behind most published numbers: the studentised bootstrap, or bootstrap-t (Efron 1981; Efron and
 * Tibshirani 1993, chapter 12). Each resample's distance from the value is measured in that resample's own standard
 * error, which is what corrects for skew: rows that are hard to reconstruct raise both the error and its spread. A
 * percentile interval of the same resamples covers less than it claims at the sizes of an evaluation (128 rows, 300
 * test texts); `npm run bench -- coverage` prints both.
 *
 * Standard errors come from the influence of each block, found by leaving it out, held fixed over the resamples: the
 * statistic is not computed again inside each (Hinkley and Wei 1984). Few blocks, or few that carry the value, tell that
 * error badly, and resamples of them do not know it: the ends are moved outward as Student's quantile is beyond the
 * normal's, at the error's degrees of freedom (freedom.ts).
 */

import { cancellationPoint } from '../math/cancellation.ts';
import { freedomOf, type VariancePart, variancePart, widening } from '../math/freedom.ts';
import { quantiles } from '../math/quantile.ts';
import type { Estimate, LeftOut, MadeInterval } from './estimate.ts';

const LEVEL = 0.95;
const TAIL = (1 - LEVEL) / 2;

/** A resample's standard error below this share of the whole one is rounding, and counts as none. */
const NEGLIGIBLE = 1e-6;
/** Resamples this near to the value, relative to it, are equal to it. */
const ROUNDING = 1e-13;

/**
 * The interval of an estimate that has resamples. Where blocks show no influence although resamples differ, or a standard
 * error vanishes in many resamples (two or three blocks), it is the percentile one; where nothing differs, the value.
 */
export function bootstrapInterval(estimate: Pick<Estimate, 'value' | 'samples' | 'leftOut'>): MadeInterval {
  const { value, samples } = estimate;
  const rounding = ROUNDING * Math.abs(value);
  if (samples.every((sample) => Math.abs(sample - value) <= rounding)) {
    return { low: value, high: value, method: 'constant' };
  }
  const { whole, inResamples, freedom } = standardErrors(estimate);
  if (!(whole > 0)) return percentileInterval(samples);
  const distances = samples.map((sample, b) => (sample === value ? 0 : (sample - value) / inResamples[b]!));
  const [low, high] = quantiles(distances, [TAIL, 1 - TAIL]);
  const scale = whole * widening(freedom);
  const found = { low: value - high! * scale, high: value - low! * scale };
  if (!Number.isFinite(found.low) || !Number.isFinite(found.high)) return percentileInterval(samples);
  return { ...found, method: 'studentised@3' };
}

export function percentileInterval(samples: Float64Array): MadeInterval {
  const [low, high] = quantiles(samples, [TAIL, 1 - TAIL]);
  return { low: low!, high: high!, method: 'percentile@2' };
}

/** What each block moves a value by, of each stratum with more than one: all that its covariances follow from. */
export type Influences = ReadonlyMap<string, readonly Float64Array[]>;

export function influences(leftOut: readonly LeftOut[]): Influences {
  return new Map(
    leftOut.map(({ resamples: { key, strata }, values }) => [
      key,
      strata.filter(({ length }) => length > 1).map((stratum) => influencesOf(stratum, values)),
    ]),
  );
}

/** Variance of a value and its covariance with another: of the blocks that either depends on, to first order. */
export function covariance(a: Influences, b: Influences): number {
  let total = 0;
  for (const [key, ours] of a) {
    const theirs = b.get(key);
    if (theirs === undefined) continue;
    for (const [stratum, own] of ours.entries()) {
      const other = theirs[stratum]!;
      const n = own.length;
      for (let i = 0; i < n; i++) total += (own[i]! * other[i]!) / (n * (n - 1));
    }
  }
  return total;
}

/**
 * How many blocks carry the value: the fewest whose influence makes up half of its variance, and of how many. Intervals
 * that rest on a few rows of a heavy tail hold less often than they claim.
 */
export function carriers(leftOut: readonly LeftOut[]): { few: number; of: number } {
  const shares: number[] = [];
  for (const { resamples, values } of leftOut) {
    for (const stratum of resamples.strata) {
      const n = stratum.length;
      if (n < 2) continue;
      for (const influence of influencesOf(stratum, values)) shares.push(influence ** 2 / (n * (n - 1)));
    }
  }
  shares.sort((a, b) => b - a);
  const half = shares.reduce((sum, share) => sum + share, 0) / 2;
  let few = 0;
  for (let sum = 0; sum < half; few++) sum += shares[few]!;
  return { few, of: shares.length };
}

/** Standard error of the value, with its degrees of freedom, and of the value in each resample; to first order in the blocks' weights. */
function standardErrors({ samples, leftOut }: Pick<Estimate, 'samples' | 'leftOut'>): {
  whole: number;
  inResamples: Float64Array;
  freedom: number;
} {
  let whole = 0;
  const parts: VariancePart[] = [];
  const inResamples = new Float64Array(samples.length);
  for (const { resamples, values } of leftOut) {
    const { blocks, weights } = resamples;
    for (const stratum of resamples.strata) {
      const n = stratum.length;
      if (n < 2) continue;
      const influences = influencesOf(stratum, values);
      const part = variancePart(influences, 1 / (n * (n - 1)));
      parts.push(part);
      whole += part.squares;
      for (let b = 0; b < samples.length; b++) {
        cancellationPoint();
        const from = b * blocks;
        let mean = 0;
        for (let i = 0; i < n; i++) mean += weights[from + stratum[i]!]! * influences[i]!;
        mean /= n;
        // Centred: the difference of two sums would leave rounding where no block of influence was drawn.
        let spread = 0;
        for (let i = 0; i < n; i++) {
          const weight = weights[from + stratum[i]!]!;
          if (weight > 0) spread += weight * (influences[i]! - mean) ** 2;
        }
        inResamples[b]! += spread / (n * (n - 1));
      }
    }
  }
  whole = Math.sqrt(whole);
  const none = NEGLIGIBLE * whole;
  return {
    whole,
    inResamples: inResamples.map((square) => (Math.sqrt(square) < none ? 0 : Math.sqrt(square))),
    freedom: freedomOf(parts),
  };
}

/** What each block of a stratum moves the value by, times n: the jackknife's influence, of mean 0. */
export function influencesOf(stratum: Int32Array, values: Float64Array): Float64Array {
  const n = stratum.length;
  let mean = 0;
  for (const block of stratum) mean += values[block]! / n;
  return Float64Array.from(stratum, (block) => (n - 1) * (mean - values[block]!));
}
