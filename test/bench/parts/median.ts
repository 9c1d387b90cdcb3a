import * as quantile from '../../../runner/math/quantile.ts';

/** The median of what a benchmark measured, at least once. */
export function median(values: readonly number[]): number {
  const middle = quantile.median(values);
  if (middle === null) throw new Error('nothing was measured');
  return middle;
}
