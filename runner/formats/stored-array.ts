/** Arrays of a checkpoint where they lie: type, shape, steps and first byte are known, the numbers are still in the file. */
import type { ByteSource } from '../io/byte-source.ts';
import { type FloatType, numberTypes, toFloat32 } from './number-types.ts';
import { type StoredMatrix, storedMatrix } from './stored-matrix.ts';

export interface StoredArray {
  source: ByteSource;
  dtype: FloatType;
  /** Byte of the first element. */
  start: number;
  shape: readonly number[];
  /** Elements from one index to the next, an axis each. */
  stride: readonly number[];
}

/** The steps of an array without gaps whose last index runs fastest. */
export function rowMajor(shape: readonly number[]): number[] {
  const stride: number[] = [];
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    stride[axis] = step;
    step *= shape[axis]!;
  }
  return stride;
}

/** An array of two dimensions, to be read by parts. */
export function matrixOf({ shape, stride, ...rest }: StoredArray): StoredMatrix {
  const [rows, columns] = shape;
  const [down, across] = stride;
  if (rows === undefined || columns === undefined || shape.length !== 2) {
    throw new RangeError(`an array of ${shape.length} dimensions is no matrix`);
  }
  return storedMatrix({ ...rest, shape: [rows, columns], stride: [down!, across!] });
}

/**
 * All of an array as float32, row-major.
 *
 * @throws MalformedError when its container's checksum is another
 */
export async function readArray(array: StoredArray): Promise<Float32Array> {
  const { source, dtype, start, shape, stride } = array;
  const count = shape.reduce((product, size) => product * size, 1);
  if (count === 0) return new Float32Array(0);
  if (shape.length === 2 && !inOrder(shape, stride) && stride.includes(1)) return matrixOf(array).read();
  await source.verify?.();
  const span = inOrder(shape, stride)
    ? count
    : 1 + shape.reduce((sum, size, axis) => sum + (size - 1) * stride[axis]!, 0);
  const all = toFloat32(dtype, await source.slice(start, start + span * numberTypes[dtype]));
  return span === count && inOrder(shape, stride) ? all : gathered(all, shape, stride, count);
}

function gathered(
  all: Float32Array,
  shape: readonly number[],
  stride: readonly number[],
  count: number,
): Float32Array {
  const out = new Float32Array(count);
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < count; to++) {
    out[to] = all[from]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += stride[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      from -= stride[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return out;
}

/** Whether the elements lie in order without a gap; axes of one value have any step. */
function inOrder(shape: readonly number[], stride: readonly number[]): boolean {
  const expected = rowMajor(shape);
  return shape.every((size, axis) => size === 1 || stride[axis] === expected[axis]);
}
