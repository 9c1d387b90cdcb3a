/**
 * Quantile of values already sorted upwards, by linear interpolation between the two nearest order statistics
 * (type 7 of Hyndman and Fan 1996, the default of NumPy and R). `share` in [0, 1]; NaN for no values.
 */
export function quantileSorted(sorted: ArrayLike<number>, share: number): number {
  if (sorted.length === 0) return Number.NaN;
  const position = share * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (position - below) * (high - low);
}

/** Quantiles of values in any order; the input is left as it is. */
export function quantiles(values: ArrayLike<number>, shares: readonly number[]): number[] {
  const sorted = Float64Array.from(values).sort();
  return shares.map((share) => quantileSorted(sorted, share));
}

/** The middle of values in any order, the mean of the two middle ones of an even number; null of none. */
export function median(values: ArrayLike<number>): number | null {
  return values.length === 0 ? null : quantiles(values, [0.5])[0]!;
}
