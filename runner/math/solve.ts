import { cancellationPoint } from './cancellation.ts';

/** Smaller shares of a diagonal entry are what rounding leaves of it. */
const ROUNDING = 1e-14;

/**
 * x with matrix · x = right, by Cholesky's method. Where a row depends on those before it to rounding, x is 0 and the
 * others are solved without it.
 *
 * @param matrix symmetric positive semidefinite, [size, size] row-major; its lower triangle is overwritten
 */
export function solvePositive(matrix: Float64Array, right: Float64Array): Float64Array {
  const size = right.length;
  const x = new Float64Array(size);
  const at = (i: number, j: number): number => matrix[i * size + j]!;
  for (let j = 0; j < size; j++) {
    cancellationPoint();
    let pivot = at(j, j);
    for (let k = 0; k < j; k++) pivot -= at(j, k) ** 2;
    const root = pivot > ROUNDING * at(j, j) ? Math.sqrt(pivot) : 0;
    for (let i = j + 1; i < size; i++) {
      let entry = at(i, j);
      for (let k = 0; k < j; k++) entry -= at(i, k) * at(j, k);
      matrix[i * size + j] = root === 0 ? 0 : entry / root;
    }
    matrix[j * size + j] = root;
    let entry = right[j]!;
    for (let k = 0; k < j; k++) entry -= at(j, k) * x[k]!;
    x[j] = root === 0 ? 0 : entry / root;
  }
  for (let j = size - 1; j >= 0; j--) {
    if (at(j, j) === 0) continue;
    for (let i = j + 1; i < size; i++) x[j]! -= at(i, j) * x[i]!;
    x[j]! /= at(j, j);
  }
  return x;
}
