/** Tensors as the host has them: plain typed arrays, and what reads them out of a program's outputs. */

export interface Array32 {
  type: 'float32';
  dims: readonly number[];
  data: Float32Array;
}

export interface ArrayInt32 {
  type: 'int32';
  dims: readonly number[];
  data: Int32Array;
}

export interface ArrayInt64 {
  type: 'int64';
  dims: readonly number[];
  data: BigInt64Array;
}

export interface ArrayBool {
  type: 'bool';
  dims: readonly number[];
  data: Uint8Array;
}

export interface ArrayUint8 {
  type: 'uint8';
  dims: readonly number[];
  data: Uint8Array;
}

export interface ArrayInt8 {
  type: 'int8';
  dims: readonly number[];
  data: Int8Array;
}

/** Numbers of 16 bits, as they lie in memory: JavaScript computes with neither of them. */
export interface Array16 {
  type: 'float16' | 'bfloat16';
  dims: readonly number[];
  data: Uint16Array;
}

export type HostTensor = Array32 | ArrayInt32 | ArrayInt64 | ArrayBool | ArrayUint8 | ArrayInt8 | Array16;

/** The arrays that hold each type. */
export const arrays = {
  float32: Float32Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
  uint8: Uint8Array,
  int8: Int8Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
} as const;

/** Numbers that a tensor of such dimensions has. */
export function countOf(dims: readonly number[]): number {
  return dims.reduce((product, size) => product * size, 1);
}

export function float32(data: Float32Array, dims: readonly number[]): Array32 {
  return { type: 'float32', dims, data };
}

export function int32(data: Int32Array, dims: readonly number[]): ArrayInt32 {
  return { type: 'int32', dims, data };
}

export function uint8(data: Uint8Array, dims: readonly number[]): ArrayUint8 {
  return { type: 'uint8', dims, data };
}

export function int8(data: Int8Array, dims: readonly number[]): ArrayInt8 {
  return { type: 'int8', dims, data };
}

/** The float32 output of that name; a program's outputs have fixed types, so another type is a defect here. */
export function floatsOf(outputs: Record<string, HostTensor>, name: string): Float32Array {
  const found = outputs[name];
  if (found?.type !== 'float32')
    throw new TypeError(`output ${name}: expected float32, found ${found?.type ?? 'nothing'}`);
  return found.data;
}

export function int32sOf(outputs: Record<string, HostTensor>, name: string): Int32Array {
  const found = outputs[name];
  if (found?.type !== 'int32')
    throw new TypeError(`output ${name}: expected int32, found ${found?.type ?? 'nothing'}`);
  return found.data;
}

export function uint8sOf(outputs: Record<string, HostTensor>, name: string): Uint8Array {
  const found = outputs[name];
  if (found?.type !== 'uint8')
    throw new TypeError(`output ${name}: expected uint8, found ${found?.type ?? 'nothing'}`);
  return found.data;
}
