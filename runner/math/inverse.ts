import { cancellationPoint } from './cancellation.ts';

/**
 * The inverse of a symmetric positive definite matrix [size, size], by Gauss and Jordan without pivots.
 *
 * @throws RangeError where a pivot is not positive
 */
export function inversePositive(matrix: Float64Array, size: number): Float64Array {
  const left = matrix.slice();
  for (let k = 0; k < size; k++) {
    cancellationPoint();
    const pivot = left[k * size + k]!;
    if (!(pivot > 0)) throw new RangeError(`inversePositive: pivot ${pivot} of row ${k}`);
    left[k * size + k] = 1;
    for (let j = 0; j < size; j++) left[k * size + j] = left[k * size + j]! / pivot;
    for (let i = 0; i < size; i++) {
      if (i === k) continue;
      const factor = left[i * size + k]!;
      left[i * size + k] = 0;
      for (let j = 0; j < size; j++) left[i * size + j] = left[i * size + j]! - factor * left[k * size + j]!;
    }
  }
  return left;
}
