/**
 * The interval behind every published number: the studentised bootstrap, or bootstrap-t (Efron 1981; Efron and
 * Tibshirani 1993, chapter 12). Each resample's distance from the value is measured in that resample's own standard
 * error, which is what corrects for skew: rows that are hard to reconstruct raise both the error and its spread. A
 * percentile interval of the same resamples covers less than it claims at the sizes of an evaluation (128 rows, 300
 * test texts); `npm run bench -- coverage` prints both.
 *
 * Standard errors come from the influence of each row, found by leaving it out, held fixed over the resamples: the
 * statistic is not computed again inside each (Hinkley and Wei 1984).
 */
import { quantiles } from '../math/quantile.ts';
import type { Estimate, Interval } from './statistic.ts';

const LEVEL = 0.95;
const TAIL = (1 - LEVEL) / 2;

/**
 * The interval of an estimate that has resamples. Where rows show no influence although resamples differ (a clipped
 * value at its bound), or a standard error vanishes in many resamples (two or three rows), it is the percentile one.
 */
export function bootstrapInterval(estimate: Estimate): Interval {
  const { value, samples } = estimate;
  const { whole, inResamples } = standardErrors(estimate);
  if (!(whole > 0)) return percentileInterval(samples);
  const distances = samples.map((sample, b) => (sample === value ? 0 : (sample - value) / inResamples[b]!));
  const [low, high] = quantiles(distances, [TAIL, 1 - TAIL]);
  const found = { low: value - high! * whole, high: value - low! * whole };
  return Number.isFinite(found.low) && Number.isFinite(found.high) ? found : percentileInterval(samples);
}

export function percentileInterval(samples: Float64Array): Interval {
  const [low, high] = quantiles(samples, [TAIL, 1 - TAIL]);
  return { low: low!, high: high! };
}

/** Standard error of the value, and of the value in each resample; to first order in the rows' weights. */
function standardErrors({ samples, leftOut }: Estimate): { whole: number; inResamples: Float64Array } {
  let whole = 0;
  const inResamples = new Float64Array(samples.length);
  for (const { resamples, values } of leftOut) {
    const { rows, weights } = resamples;
    for (const stratum of resamples.strata) {
      const n = stratum.length;
      if (n < 2) continue;
      let mean = 0;
      for (const row of stratum) mean += values[row]! / n;
      const influences = Float64Array.from(stratum, (row) => (n - 1) * (mean - values[row]!));
      for (const influence of influences) whole += (influence * influence) / (n * (n - 1));
      for (let b = 0; b < samples.length; b++) {
        let first = 0;
        let second = 0;
        for (let i = 0; i < n; i++) {
          const drawn = weights[b * rows + stratum[i]!]! * influences[i]!;
          first += drawn;
          second += drawn * influences[i]!;
        }
        // Rounding may leave a hair below zero where one row was drawn n times.
        inResamples[b]! += Math.max(0, second / n - (first / n) ** 2) / (n - 1);
      }
    }
  }
  return { whole: Math.sqrt(whole), inResamples: inResamples.map(Math.sqrt) };
}
