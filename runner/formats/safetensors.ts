/**
 * The safetensors format: 8 bytes of header length (little-endian), a JSON header, then the tensors without gaps.
 * Headers come from strangers, so every field is held against a named limit before anything is read by it.
 */
import { z } from 'zod';
import { MalformedError, quote } from '../errors.ts';
import type { ByteSource } from '../io/byte-source.ts';
import { parseJson } from './json.ts';
import { isFloatType, type NumberType, numberTypes, wholesOf } from './number-types.ts';
import { readArray, rowMajor, type StoredArray } from './stored-array.ts';

/** The format's own limit on its header. The largest seen in practice are about 10 MB. */
const HEADER_LIMIT = 100_000_000;
/** More dimensions than any checkpoint uses. */
const RANK_LIMIT = 8;

export interface TensorEntry {
  dtype: NumberType;
  shape: readonly number[];
  /** First byte in the file, and the byte after the last. */
  start: number;
  end: number;
}

export interface Safetensors {
  tensors: ReadonlyMap<string, TensorEntry>;
  metadata: Readonly<Record<string, string>>;
}

const entrySchema = z.strictObject({
  dtype: z.enum(Object.keys(numberTypes) as [NumberType, ...NumberType[]]),
  shape: z.array(z.int().nonnegative()).max(RANK_LIMIT),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
});

function malformed(source: ByteSource, found: string, expected: string): MalformedError {
  return new MalformedError({
    thing: `safetensors ${source.name}`,
    found,
    expected,
    next: 'Download or write the file again.',
  });
}

/**
 * Reads a file's header: two reads, however large the file.
 *
 * @throws MalformedError when the header or any tensor's type, shape or place is not what the format allows
 */
export async function readSafetensors(source: ByteSource): Promise<Safetensors> {
  if (source.byteLength < 8) throw malformed(source, `${source.byteLength} bytes`, 'at least 8');
  const lead = await source.slice(0, 8);
  const length = Number(new DataView(lead.buffer, lead.byteOffset, 8).getBigUint64(0, true));
  if (length > HEADER_LIMIT)
    throw malformed(source, `a header of ${length} bytes`, `at most ${HEADER_LIMIT}`);
  const base = 8 + length;
  if (base > source.byteLength) {
    throw malformed(
      source,
      `a header of ${length} bytes in a file of ${source.byteLength}`,
      'a header inside the file',
    );
  }
  const header = parseHeader(source, await source.slice(8, base));
  const tensors = new Map<string, TensorEntry>();
  let metadata: Record<string, string> = {};
  for (const [name, raw] of Object.entries(header)) {
    if (name === '__metadata__') {
      const parsed = z.record(z.string(), z.string()).safeParse(raw);
      if (!parsed.success) throw malformed(source, 'a __metadata__ that is not text to text', 'strings only');
      metadata = parsed.data;
    } else {
      tensors.set(name, checkEntry(source, base, name, raw));
    }
  }
  checkCoverage(source, base, tensors);
  return { tensors, metadata };
}

function parseHeader(source: ByteSource, bytes: Uint8Array): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = parseJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw malformed(source, 'a header that is not JSON', 'a JSON object');
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw malformed(source, 'a header that is not a JSON object', 'a JSON object');
  }
  return parsed as Record<string, unknown>;
}

function checkEntry(source: ByteSource, base: number, name: string, raw: unknown): TensorEntry {
  const parsed = entrySchema.safeParse(raw);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw malformed(
      source,
      `tensor ${quote(name)}, ${issue?.path.join('.') || 'entry'}: ${issue?.message ?? 'invalid'}`,
      'dtype, shape and data_offsets',
    );
  }
  const { dtype, shape, data_offsets } = parsed.data;
  const [from, to] = data_offsets;
  const expected = shape.reduce((product, size) => product * size, numberTypes[dtype]);
  if (to - from !== expected) {
    throw malformed(
      source,
      `tensor ${quote(name)} ${dtype} [${shape.join(', ')}] with ${to - from} bytes`,
      `${expected} bytes`,
    );
  }
  if (base + to > source.byteLength) {
    throw malformed(
      source,
      `tensor ${quote(name)} ending at byte ${base + to} of a file of ${source.byteLength}`,
      'a whole file (this one is cut short)',
    );
  }
  return { dtype, shape, start: base + from, end: base + to };
}

/** Tensors must cover the data without gap, overlap or trailing bytes, as the format demands. */
function checkCoverage(source: ByteSource, base: number, tensors: ReadonlyMap<string, TensorEntry>): void {
  let reached = base;
  const inOrder = [...tensors].sort(([, a], [, b]) => a.start - b.start || a.end - b.end);
  for (const [name, entry] of inOrder) {
    if (entry.start !== reached) {
      throw malformed(
        source,
        `tensor ${quote(name)} at byte ${entry.start}`,
        `byte ${reached}, right after the one before it`,
      );
    }
    reached = entry.end;
  }
  if (reached !== source.byteLength) {
    throw malformed(source, `${source.byteLength - reached} bytes after the last tensor`, 'none');
  }
}

/**
 * Reads one tensor as float32, whatever floating type it is stored in.
 *
 * @param shape when given, the shape it must have; a size of −1 matches any
 * @throws MalformedError when it is missing, has another shape, or is not of a floating type
 */
export async function readFloats(
  source: ByteSource,
  file: Safetensors,
  name: string,
  shape?: readonly number[],
): Promise<Float32Array> {
  return readArray(storedArray(source, file, name, shape));
}

/** A small tensor of whole numbers, row-major. @throws MalformedError when it is missing or of another type */
export async function readWholes(source: ByteSource, file: Safetensors, name: string): Promise<number[]> {
  const entry = file.tensors.get(name);
  if (entry === undefined) throw malformed(source, `no tensor ${quote(name)}`, `a tensor ${quote(name)}`);
  // A copy begins where its buffer does.
  const found = wholesOf(entry.dtype, Uint8Array.from(await source.slice(entry.start, entry.end)));
  if (found === undefined)
    throw malformed(source, `tensor ${quote(name)} of type ${entry.dtype}`, 'whole numbers');
  return [...found];
}

/**
 * One tensor where it lies.
 *
 * @param shape when given, the shape it must have; a size of −1 matches any
 * @throws MalformedError when it is missing, has another shape, or is not of a floating type
 */
export function storedArray(
  source: ByteSource,
  file: Safetensors,
  name: string,
  shape?: readonly number[],
): StoredArray {
  const entry = file.tensors.get(name);
  if (entry === undefined) {
    const known = [...file.tensors.keys()].slice(0, 6).map(quote).join(', ');
    throw malformed(
      source,
      `no tensor ${quote(name)} (there are ${known || 'none'})`,
      `a tensor ${quote(name)}`,
    );
  }
  if (shape !== undefined) {
    const same =
      shape.length === entry.shape.length && shape.every((size, i) => size < 0 || size === entry.shape[i]);
    if (!same) {
      throw malformed(
        source,
        `tensor ${quote(name)} of shape [${entry.shape.join(', ')}]`,
        `[${shape.join(', ')}]`,
      );
    }
  }
  if (!isFloatType(entry.dtype)) {
    throw malformed(source, `tensor ${quote(name)} of type ${entry.dtype}`, 'F32, F16, BF16 or F64');
  }
  return {
    source,
    dtype: entry.dtype,
    start: entry.start,
    shape: entry.shape,
    stride: rowMajor(entry.shape),
  };
}

export type TensorToWrite =
  | { dtype: 'F32'; shape: readonly number[]; data: Float32Array }
  | { dtype: 'BF16'; shape: readonly number[]; data: Uint16Array }
  | { dtype: 'F64'; shape: readonly number[]; data: Float64Array }
  | { dtype: 'I32'; shape: readonly number[]; data: Int32Array }
  | { dtype: 'U8'; shape: readonly number[]; data: Uint8Array };

/**
 * A safetensors file as parts to be written one after the other: the header, then each tensor's own bytes
 * (not copied). Tensors stand in the order of the object's keys.
 */
export function encodeSafetensors(
  tensors: Readonly<Record<string, TensorToWrite>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array[] {
  const header: Record<string, unknown> = {};
  if (Object.keys(metadata).length > 0) header.__metadata__ = metadata;
  let offset = 0;
  const parts: Uint8Array[] = [];
  for (const [name, { dtype, shape, data }] of Object.entries(tensors)) {
    const size = shape.reduce((product, each) => product * each, 1);
    if (size !== data.length)
      throw new RangeError(`${name}: shape [${shape.join(', ')}] for ${data.length} values`);
    header[name] = { dtype, shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
    parts.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  const json = JSON.stringify(header);
  // Spaces up to a multiple of 8 keep the tensors aligned for readers that map the file.
  const padded = Buffer.from(json.padEnd(json.length + ((8 - (Buffer.byteLength(json) % 8)) % 8), ' '));
  const lead = new Uint8Array(8);
  new DataView(lead.buffer).setBigUint64(0, BigInt(padded.byteLength), true);
  return [lead, padded, ...parts];
}
