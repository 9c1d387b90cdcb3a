/** How well a standard error is known that blocks of data tell: its degrees of freedom, and what that costs an interval. */
import { NORMAL_QUANTILE, studentQuantile } from './student.ts';

/** What the blocks of one stratum add to a variance. */
export interface VariancePart {
  blocks: number;
  /** Their part of the variance: Σ v² of the blocks' deviations v, up to a scale. */
  squares: number;
  /** Σ v⁴ at the same scale. */
  fourths: number;
}

/**
 * @param values deviations of the blocks of one stratum
 * @param share what a squared deviation is multiplied by in the variance
 */
export function variancePart(values: Float64Array, share = 1): VariancePart {
  let [squares, fourths] = [0, 0];
  for (const value of values) {
    const square = share * value * value;
    squares += square;
    fourths += square * square;
  }
  return { blocks: values.length, squares, fourths };
}

/**
 * Degrees of freedom of a sum of estimated variances (Satterthwaite 1946). The variance of n blocks has 2n/(κ − 1) of
 * them, κ the blocks' kurtosis: about n where they are normal, far fewer where some carry most of it; never more than
 * n − 1.
 *
 * @returns at least 1; Infinity where there is no variance
 */
export function freedomOf(parts: readonly VariancePart[]): number {
  let [variance, uncertain] = [0, 0];
  for (const { blocks, squares, fourths } of parts) {
    if (!(squares > 0)) continue;
    variance += squares;
    const kurtosis = (blocks * fourths) / (squares * squares);
    const freedom = Math.min(blocks - 1, (2 * blocks) / Math.max(kurtosis - 1, Number.MIN_VALUE));
    uncertain += (squares * squares) / freedom;
  }
  return uncertain > 0 ? Math.max(1, (variance * variance) / uncertain) : Number.POSITIVE_INFINITY;
}

const TAIL = 0.025;

/** By how much the ends of a 95 % interval move outward for a standard error of so many degrees of freedom. */
export function widening(freedom: number): number {
  return Number.isFinite(freedom) ? studentQuantile(TAIL, freedom) / NORMAL_QUANTILE : 1;
}
