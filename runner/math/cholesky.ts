/** Square root of a positive semidefinite matrix by Cholesky's method with diagonal pivots (Higham 2002, ch. 10.3). */
import { cancellationPoint } from './cancellation.ts';

export interface Factor {
  rank: number;
  /** [rows, rank] row-major, in the order of the input: factor · factorᵀ = matrix, up to the tolerance. */
  values: Float64Array;
  /** Non-zero length of each row: rows were taken in pivot order, so the factor is triangular up to a permutation. */
  extents: Int32Array;
}

/**
 * `matrix` is symmetric [size, size] row-major; only read. Stops when no diagonal remainder exceeds `tolerance`
 * times the largest diagonal entry: the rest is rank lost to rounding. O(size · rank²).
 */
export function pivotedCholesky(matrix: Float64Array, size: number, tolerance = 1e-13): Factor {
  const left = new Float64Array(size);
  let largest = 0;
  for (let i = 0; i < size; i++) {
    left[i] = matrix[i * size + i]!;
    largest = Math.max(largest, left[i]!);
  }
  const values = new Float64Array(size * size);
  const extents = new Int32Array(size);
  // Rows not yet taken stand in order[step..].
  const order = Int32Array.from({ length: size }, (_, i) => i);
  let rank = 0;
  for (; rank < size; rank++) {
    cancellationPoint();
    let at = rank;
    for (let i = rank + 1; i < size; i++) if (left[order[i]!]! > left[order[at]!]!) at = i;
    const pivot = order[at]!;
    if (!(left[pivot]! > tolerance * largest)) break;
    order[at] = order[rank]!;
    order[rank] = pivot;
    const root = Math.sqrt(left[pivot]!);
    const pivotRow = pivot * size;
    values[pivotRow + rank] = root;
    extents[pivot] = rank + 1;
    for (let i = rank + 1; i < size; i++) {
      const row = order[i]!;
      const start = row * size;
      const product = dotFrom(values, start, pivotRow, rank);
      const entry = (matrix[start + pivot]! - product) / root;
      values[start + rank] = entry;
      left[row] = left[row]! - entry * entry;
    }
  }
  for (let i = rank; i < size; i++) extents[order[i]!] = rank;
  return { rank, values: narrowed(values, size, rank), extents };
}

/** Inner product of two stretches; four running sums, because one waits for its own last addition. */
function dotFrom(values: Float64Array, a: number, b: number, length: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let k = 0;
  for (; k + 3 < length; k += 4) {
    s0 += values[a + k]! * values[b + k]!;
    s1 += values[a + k + 1]! * values[b + k + 1]!;
    s2 += values[a + k + 2]! * values[b + k + 2]!;
    s3 += values[a + k + 3]! * values[b + k + 3]!;
  }
  for (; k < length; k++) s0 += values[a + k]! * values[b + k]!;
  return s0 + s1 + (s2 + s3);
}

function narrowed(values: Float64Array, size: number, rank: number): Float64Array {
  if (rank === size) return values;
  const narrow = new Float64Array(size * rank);
  for (let i = 0; i < size; i++) narrow.set(values.subarray(i * size, i * size + rank), i * rank);
  return narrow;
}
