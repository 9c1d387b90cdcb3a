/**
 * Means and differences of statistics. Where all of them have the interval of their resamples, so has the result. Where
 * one has a formula of its own (a proportion, an AUROC near its bound), the intervals are put together by their squares:
 * MOVER, the method of variance estimates recovery (Zou and Donner 2008), which of two proportions is Newcombe's. Their
 * correlations are those of the influences of the texts they share.
 */
import type { Interval, MadeInterval } from './estimate.ts';
import { covariance, influences } from './interval.ts';
import { combine, type Estimate, interval, type Statistic } from './statistic.ts';

/** Arithmetic mean of statistics, in every resample. */
export function meanOf(statistics: readonly Statistic[]): Statistic {
  const share = 1 / statistics.length;
  return withInterval(
    statistics,
    statistics.map(() => share),
    combine(
      statistics,
      (...values) => values.reduce((total, value) => total + value, 0) / values.length,
      'there is nothing to take the mean of',
    ),
  );
}

/** Difference of two statistics of the same resamples: the paired bootstrap of two SAEs on the same tokens. */
export function difference(a: Statistic, b: Statistic): Statistic {
  return withInterval(
    [a, b],
    [1, -1],
    combine([a, b], (x, y) => x - y, 'the difference is not finite'),
  );
}

/** The combined statistic, with MOVER's interval where a part's is a formula. */
function withInterval(
  parts: readonly Statistic[],
  coefficients: readonly number[],
  combined: Statistic,
): Statistic {
  const estimates = parts.filter((part) => part.value !== null);
  if (combined.value === null || combined.samples.length === 0) return combined;
  if (!estimates.some(({ basis }) => basis?.kind === 'formula')) return combined;
  const own = estimates.map((estimate) => interval(estimate));
  const known = own.filter((each) => each !== null);
  if (known.length < own.length) return combined;
  if (known.length === 1 && coefficients[0] === 1) {
    return { ...combined, basis: { kind: 'formula', interval: known[0]! } };
  }
  return {
    ...combined,
    basis: { kind: 'formula', interval: mover(combined, estimates, coefficients, known) },
  };
}

function mover(
  { value }: Estimate,
  parts: readonly Estimate[],
  coefficients: readonly number[],
  intervals: readonly Interval[],
): MadeInterval {
  const moved = parts.map(({ leftOut }) => influences(leftOut));
  const variances = moved.map((each) => covariance(each, each));
  /** Distances to the ends that pull the sum down, and up, with the coefficient's sign. */
  const down = parts.map((part, i) => reach(part.value, intervals[i]!, coefficients[i]!));
  const up = parts.map((part, i) => reach(part.value, intervals[i]!, -coefficients[i]!));
  let [below, above] = [0, 0];
  for (let i = 0; i < parts.length; i++) {
    below += down[i]! ** 2;
    above += up[i]! ** 2;
    for (let j = 0; j < i; j++) {
      const both = Math.sqrt(variances[i]! * variances[j]!);
      const shared = [...moved[i]!.keys()].some((key) => moved[j]!.has(key));
      // Where no text moves a part, its correlation cannot be seen: the same texts err together.
      const unseen = shared && coefficients[i]! * coefficients[j]! > 0 ? 1 : 0;
      const correlation = both > 0 ? covariance(moved[i]!, moved[j]!) / both : unseen;
      below += 2 * correlation * down[i]! * down[j]!;
      above += 2 * correlation * up[i]! * up[j]!;
    }
  }
  return {
    low: value - Math.sqrt(Math.max(0, below)),
    high: value + Math.sqrt(Math.max(0, above)),
    method: 'mover',
  };
}

function reach(value: number, { low, high }: Interval, coefficient: number): number {
  return coefficient > 0 ? coefficient * (value - low) : coefficient * (high - value);
}
