import { cancellationPoint } from '../math/cancellation.ts';
import { type Features, rowReader } from './features.ts';

/**
 * Mean of the positive rows less that of the negative ones, per column: [columns].
 *
 * @param labels 0 or 1 for each entry of `rows`
 */
export function meanDifference(
  features: Features,
  rows: ArrayLike<number>,
  labels: ArrayLike<number>,
): Float64Array {
  const read = rowReader(features);
  const { columns } = features;
  const sums = [new Float64Array(columns), new Float64Array(columns)] as const;
  const counts = [0, 0];
  for (let i = 0; i < rows.length; i++) {
    cancellationPoint();
    const side = labels[i] === 1 ? 1 : 0;
    counts[side]!++;
    const { indices, values } = read(rows[i]!);
    const total = sums[side];
    for (let entry = 0; entry < values.length; entry++) total[indices[entry]!]! += values[entry]!;
  }
  return sums[1].map((total, j) => total / counts[1]! - sums[0][j]! / counts[0]!);
}

/** The `count` positions of largest value, largest first, of equal ones the lowest. */
export function largest(values: ArrayLike<number>, count: number): Int32Array {
  const order = Int32Array.from({ length: values.length }, (_, i) => i);
  order.sort((a, b) => values[b]! - values[a]! || a - b);
  return order.slice(0, count);
}
