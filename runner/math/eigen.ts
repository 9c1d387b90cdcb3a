/** Leading eigenvectors of symmetric matrices. */

import { cancellationPoint } from './cancellation.ts';
import { random } from './random.ts';

/** Up to this size all eigenvectors are found by rotations; above it the leading ones by iteration. */
const ROTATE_UP_TO = 256;
const SWEEPS = 30;
/** Directions iterated besides those asked for: the next eigenvalues decide how fast the wanted ones settle. */
const SPARE = 8;
const ITERATIONS = 100;

export interface Eigen {
  /** Descending. */
  values: Float64Array;
  /** [count, size] row-major: a unit vector per row. */
  vectors: Float64Array;
}

/**
 * The `count` largest eigenvalues of a symmetric matrix [size, size] and their eigenvectors. By Jacobi rotations for
 * small ones (Golub and Van Loan 1996, section 8.4), else by orthogonal iteration with Rayleigh-Ritz steps, to 1e-6 of
 * the largest eigenvalue.
 */
export function leadingEigenvectors(matrix: Float64Array, size: number, count: number): Eigen {
  if (matrix.length !== size * size || count < 1 || count > size) {
    throw new RangeError(`leadingEigenvectors: ${matrix.length} values, size ${size}, count ${count}`);
  }
  return size <= ROTATE_UP_TO || count + SPARE >= size
    ? first(rotated(matrix, size), size, count)
    : iterated(matrix, size, count);
}

function first({ values, vectors }: Eigen, size: number, count: number): Eigen {
  return { values: values.slice(0, count), vectors: vectors.slice(0, count * size) };
}

function rotated(matrix: Float64Array, size: number): Eigen {
  const a = matrix.slice();
  const v = new Float64Array(size * size);
  for (let i = 0; i < size; i++) v[i * size + i] = 1;
  let scale = 0;
  for (const value of a) scale = Math.max(scale, Math.abs(value));
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let off = 0;
    for (let p = 0; p < size; p++) {
      cancellationPoint();
      for (let q = p + 1; q < size; q++) {
        const apq = a[p * size + q]!;
        off = Math.max(off, Math.abs(apq));
        if (Math.abs(apq) <= 1e-15 * scale) continue;
        const theta = (a[q * size + q]! - a[p * size + p]!) / (2 * apq);
        const t = Math.sign(theta || 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const c = 1 / Math.sqrt(t * t + 1);
        const s = t * c;
        for (let k = 0; k < size; k++) {
          const kp = a[k * size + p]!;
          const kq = a[k * size + q]!;
          a[k * size + p] = c * kp - s * kq;
          a[k * size + q] = s * kp + c * kq;
        }
        for (let k = 0; k < size; k++) {
          const pk = a[p * size + k]!;
          const qk = a[q * size + k]!;
          a[p * size + k] = c * pk - s * qk;
          a[q * size + k] = s * pk + c * qk;
          const vp = v[p * size + k]!;
          const vq = v[q * size + k]!;
          v[p * size + k] = c * vp - s * vq;
          v[q * size + k] = s * vp + c * vq;
        }
      }
    }
    if (off <= 1e-12 * scale) break;
  }
  const order = Array.from({ length: size }, (_, i) => i).sort((i, j) => a[j * size + j]! - a[i * size + i]!);
  const vectors = new Float64Array(size * size);
  order.forEach((from, to) => {
    vectors.set(v.subarray(from * size, (from + 1) * size), to * size);
  });
  return { values: Float64Array.from(order, (i) => a[i * size + i]!), vectors };
}

function iterated(matrix: Float64Array, size: number, count: number): Eigen {
  const width = count + SPARE;
  const stream = random('eigen', size, count);
  let basis: Float64Array = Float64Array.from({ length: width * size }, () => stream.gaussian());
  orthonormalise(basis, width, size);
  let values = new Float64Array(width);
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    const image = product(matrix, size, basis, width);
    // Rayleigh-Ritz: the best combinations of the present directions.
    const small = new Float64Array(width * width);
    for (let i = 0; i < width; i++) {
      for (let j = 0; j <= i; j++) {
        let inner = 0;
        for (let k = 0; k < size; k++) inner += basis[i * size + k]! * image[j * size + k]!;
        small[i * width + j] = inner;
        small[j * width + i] = inner;
      }
    }
    const ritz = rotated(small, width);
    const next = new Float64Array(width * size);
    for (let i = 0; i < width; i++) {
      cancellationPoint();
      for (let j = 0; j < width; j++) {
        const weight = ritz.vectors[i * width + j]!;
        for (let k = 0; k < size; k++) next[i * size + k]! += weight * image[j * size + k]!;
      }
    }
    orthonormalise(next, width, size);
    basis = next;
    let change = 0;
    for (let i = 0; i < count; i++) change = Math.max(change, Math.abs(ritz.values[i]! - values[i]!));
    values = Float64Array.from(ritz.values);
    if (change <= 1e-6 * Math.abs(values[0]!)) break;
  }
  return first({ values, vectors: basis }, size, count);
}

/** Rows of `basis` times the symmetric matrix. */
function product(matrix: Float64Array, size: number, basis: Float64Array, width: number): Float64Array {
  const out = new Float64Array(width * size);
  for (let k = 0; k < size; k++) {
    cancellationPoint();
    const row = k * size;
    for (let i = 0; i < width; i++) {
      const weight = basis[i * size + k]!;
      const at = i * size;
      for (let j = 0; j < size; j++) out[at + j]! += weight * matrix[row + j]!;
    }
  }
  return out;
}

/** Modified Gram-Schmidt, twice; a direction that vanishes is left zero. */
function orthonormalise(basis: Float64Array, width: number, size: number): void {
  for (let i = 0; i < width; i++) {
    cancellationPoint();
    for (let round = 0; round < 2; round++) {
      for (let j = 0; j < i; j++) {
        let inner = 0;
        for (let k = 0; k < size; k++) inner += basis[i * size + k]! * basis[j * size + k]!;
        for (let k = 0; k < size; k++) basis[i * size + k]! -= inner * basis[j * size + k]!;
      }
    }
    let squared = 0;
    for (let k = 0; k < size; k++) squared += basis[i * size + k]! ** 2;
    const norm = Math.sqrt(squared);
    for (let k = 0; k < size; k++) basis[i * size + k] = norm > 0 ? basis[i * size + k]! / norm : 0;
  }
}
