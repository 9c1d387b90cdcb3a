/**
 * NumPy arrays: the .npy format (versions 1 to 3), and .npz archives of them. Numbers of floating types only, little
 * endian; anything that would need Python (object arrays, records) is refused by its type.
 */
import { MalformedError, quote } from '../errors.ts';
import { type ByteSource, memorySource } from '../io/byte-source.ts';
import type { FloatType } from './number-types.ts';
import { readArray, rowMajor, type StoredArray } from './stored-array.ts';
import { openMember, readZip } from './zip.ts';

/** A header is a line of Python; NumPy writes 118 bytes. */
const HEADER_LIMIT = 10_000;
const RANK_LIMIT = 8;

const types: Readonly<Record<string, { type: FloatType; size: number }>> = {
  '<f2': { type: 'F16', size: 2 },
  '<f4': { type: 'F32', size: 4 },
  '<f8': { type: 'F64', size: 8 },
};

export interface FloatArray {
  shape: readonly number[];
  /** Row-major. */
  data: Float32Array;
}

function malformed(thing: string, found: string, expected: string): MalformedError {
  return new MalformedError({ thing, found, expected, next: 'Download or write the file again.' });
}

/**
 * Every array of an archive, by its name without ".npy": the headers are read, the numbers when they are asked for.
 *
 * @throws MalformedError when the archive or a header breaks its format
 */
export async function openNpz(source: ByteSource): Promise<Map<string, StoredArray>> {
  const { members } = await readZip(source);
  const arrays = new Map<string, StoredArray>();
  for (const member of members.values()) {
    if (!member.name.endsWith('.npy')) {
      throw malformed(`npz ${source.name}`, `a member ${quote(member.name)}`, '.npy members only');
    }
    const thing = `npz ${source.name}, ${quote(member.name)}`;
    const contents = await openMember(source, member);
    arrays.set(member.name.slice(0, -4), await openNpy(thing, contents));
  }
  return arrays;
}

/**
 * Every array of an archive as float32, by its name without ".npy".
 *
 * @throws MalformedError when the archive or an array breaks its format
 */
export async function readNpz(source: ByteSource): Promise<Map<string, FloatArray>> {
  const arrays = new Map<string, FloatArray>();
  for (const [name, array] of await openNpz(source)) {
    arrays.set(name, { shape: array.shape, data: await readArray(array) });
  }
  return arrays;
}

/** @throws MalformedError */
export async function parseNpy(thing: string, bytes: Uint8Array): Promise<FloatArray> {
  const array = await openNpy(thing, memorySource(thing, bytes));
  return { shape: array.shape, data: await readArray(array) };
}

async function openNpy(thing: string, source: ByteSource): Promise<StoredArray> {
  const bytes = await source.slice(0, Math.min(12 + HEADER_LIMIT, source.byteLength));
  const latin = (from: number, to: number): string =>
    Buffer.from(bytes.subarray(from, to)).toString('latin1');
  if (latin(0, 6) !== '\x93NUMPY' || bytes.length < 12)
    throw malformed(thing, 'no NumPy magic', 'an .npy array');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = bytes[6]!;
  if (version < 1 || version > 3) throw malformed(thing, `.npy version ${version}`, '1 to 3');
  const [start, length] = version === 1 ? [10, view.getUint16(8, true)] : [12, view.getUint32(8, true)];
  if (length > HEADER_LIMIT || start + length > bytes.length) {
    throw malformed(thing, `a header of ${length} bytes`, `at most ${HEADER_LIMIT}, inside the array`);
  }
  const header = latin(start, start + length).trim();
  const match =
    /^\{'descr': '([^']{1,20})', 'fortran_order': (True|False), 'shape': \(((?:\d{1,15}, ?)*\d{0,15})\), ?\}$/.exec(
      header,
    );
  if (!match) throw malformed(thing, `the header ${quote(header)}`, 'descr, fortran_order and shape');
  const [, descr, order, sizes] = match as unknown as [string, string, string, string];
  const known = Object.hasOwn(types, descr) ? types[descr] : undefined;
  if (!known) throw malformed(thing, `numbers of type ${quote(descr)}`, Object.keys(types).join(', '));
  const shape = sizes
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')
    .map(Number);
  if (shape.length > RANK_LIMIT)
    throw malformed(thing, `${shape.length} dimensions`, `at most ${RANK_LIMIT}`);
  const expected = shape.reduce((product, size) => product * size, known.size);
  const body = source.byteLength - start - length;
  if (body !== expected) throw malformed(thing, `${body} bytes of numbers`, `${expected} bytes`);
  const byColumn = order === 'True' && shape.length > 1 && expected > 0;
  if (byColumn && shape.length > 2)
    throw malformed(thing, 'a column-major array of more than two dimensions', 'row-major');
  const stride = byColumn ? [1, shape[0]!] : rowMajor(shape);
  return { source, dtype: known.type, start: start + length, shape, stride };
}
