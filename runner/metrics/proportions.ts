/**
 * Intervals of proportions and of areas under a ROC curve, which near a bound no resampling gives: where nothing went
 * wrong, every resample is the same. All are two-sided, of 95 %, on float64.
 */
import { NORMAL_QUANTILE } from '../math/student.ts';
import type { Interval } from './estimate.ts';

const Z = NORMAL_QUANTILE;

/** Wilson's score interval (1927) of a proportion `share` of `n`. */
export function wilson(share: number, n: number): Interval {
  const squared = Z * Z;
  const centre = (share + squared / (2 * n)) / (1 + squared / n);
  const half = (Z / (1 + squared / n)) * Math.sqrt((share * (1 - share)) / n + squared / (4 * n * n));
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}

/**
 * Interval of a fall between two proportions of the same `n` rows (Agresti and Min 2005): half a row is added to each of
 * the four cells.
 *
 * @param lost rows right before and wrong after
 * @param gained rows wrong before and right after
 */
export function agrestiMin(lost: number, gained: number, n: number): Interval {
  const [down, up, rows] = [lost + 0.5, gained + 0.5, n + 2];
  const centre = (down - up) / rows;
  const half = (Z * Math.sqrt(down + up - (down - up) ** 2 / rows)) / rows;
  return { low: Math.max(-1, centre - half), high: Math.min(1, centre + half) };
}

/**
 * Interval of an AUROC by Newcombe's method 5 (2006, part 2): the areas A with |Â − A| ≤ z √V(A), V Hanley and McNeil's
 * variance (1982) under exponential scores, with the mean class size in both terms.
 */
export function newcombeArea(area: number, negatives: number, positives: number): Interval {
  const half = (negatives + positives) / 2 - 1;
  const variance = (a: number): number =>
    (a * (1 - a) * (1 + (half * (1 - a)) / (2 - a) + (half * a) / (1 + a))) / (negatives * positives);
  const beyond = (a: number): boolean => Math.abs(area - a) > Z * Math.sqrt(variance(a));
  /** Between `area`, which is not beyond, and a bound. */
  const end = (bound: number): number => {
    let [inside, outside] = [area, bound];
    for (let step = 0; step < 60; step++) {
      const middle = (inside + outside) / 2;
      if (beyond(middle)) outside = middle;
      else inside = middle;
    }
    return outside;
  };
  return { low: end(0), high: end(1) };
}
