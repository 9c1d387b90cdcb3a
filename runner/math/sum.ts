/** Float64 sums that do not lose the small terms to the large ones. */

/**
 * Sum with Neumaier's compensation (Neumaier 1974): the error is about one rounding of the result, whatever the
 * order or number of terms, unless the terms cancel almost completely.
 */
export function sum(values: ArrayLike<number>): number {
  let total = 0;
  let lost = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    const next = total + value;
    lost += Math.abs(total) >= Math.abs(value) ? total - next + value : value - next + total;
    total = next;
  }
  // An infinite or NaN total has an undefined compensation.
  return Number.isFinite(total) ? total + lost : total;
}

/** Arithmetic mean; NaN for no values. */
export function mean(values: ArrayLike<number>): number {
  return sum(values) / values.length;
}
