/**
 * How many values the bytes of a parquet page hold, by its encoding: walked before the decoder is let at them, which
 * takes memory for as many as the page's header names.
 */
import type { Encoding, ParquetType } from 'hyparquet';

/** Values of one block of deltas: writers have 128 or 256. */
const MAX_BLOCK = 2 ** 16;
const MAX_MINIBLOCKS = 2 ** 9;

/** A claim that the bytes do not bear out. */
export class Claim extends Error {
  readonly found: string;
  readonly expected: string;

  constructor(found: string, expected: string) {
    super(`${found}; expected ${expected}`);
    this.found = found;
    this.expected = expected;
  }
}

export interface Stored {
  encoding: Encoding;
  type: ParquetType;
  /** Bytes of one value of a FIXED_LEN_BYTE_ARRAY. */
  typeLength: number | undefined;
  /** Whether the page is of the second version. */
  v2: boolean;
}

/**
 * @param bytes the values of a page, its levels before them
 * @param values how many are not null
 * @returns bytes that the decoded values take beyond those of the page
 * @throws Claim
 */
export function checkValues(bytes: Uint8Array, values: number, stored: Stored): number {
  const { encoding, type } = stored;
  switch (encoding) {
    case 'PLAIN':
      checkPlain(bytes, values, stored);
      return 0;
    case 'BYTE_STREAM_SPLIT':
      if (type === 'BOOLEAN' || type === 'BYTE_ARRAY' || type === 'INT96')
        throw new Claim(`BYTE_STREAM_SPLIT of ${type}`, 'it of numbers or values of one length');
      checkPlain(bytes, values, stored);
      return 0;
    case 'PLAIN_DICTIONARY':
    case 'RLE_DICTIONARY': {
      if (values === 0) return 0;
      const width = bytes[0];
      if (width === undefined || width > 32)
        throw new Claim(`dictionary indices of ${width} bits`, 'at most 32');
      // Of the first version the decoder reads no runs of indices without bits.
      if (width > 0 || stored.v2) walkRuns(bytes.subarray(1), width, values);
      return 0;
    }
    case 'RLE':
      if (type !== 'BOOLEAN') throw new Claim(`RLE of ${type}`, 'it of BOOLEAN');
      walkLengthAndRuns(bytes, 0, 1, values);
      return 0;
    case 'DELTA_BINARY_PACKED':
      if (type !== 'INT32' && type !== 'INT64')
        throw new Claim(`${encoding} of ${type}`, 'it of whole numbers');
      if (values > 0) walkDeltas(bytes, 0, values);
      return 0;
    case 'DELTA_LENGTH_BYTE_ARRAY': {
      if (values === 0) return 0;
      const { end, sum } = walkDeltas(bytes, 0, values, true);
      if (sum > bytes.length - end)
        throw new Claim(`values of ${sum} bytes`, `at most ${bytes.length - end}`);
      return 0;
    }
    case 'DELTA_BYTE_ARRAY': {
      if (values === 0) return 0;
      const prefixes = walkDeltas(bytes, 0, values, true);
      const suffixes = walkDeltas(bytes, prefixes.end, values, true);
      const left = bytes.length - suffixes.end;
      if (suffixes.sum > left) throw new Claim(`values of ${suffixes.sum} bytes`, `at most ${left}`);
      // A prefix is copied from the value before: together they can be far longer than the page.
      return prefixes.sum;
    }
    default:
      throw new Claim(`the encoding ${String(encoding)}`, 'one of those that are in use');
  }
}

const WIDTHS: Partial<Record<ParquetType, number>> = {
  INT32: 4,
  INT64: 8,
  INT96: 12,
  FLOAT: 4,
  DOUBLE: 8,
  // The length before each.
  BYTE_ARRAY: 4,
  BOOLEAN: 1 / 8,
};

function checkPlain(bytes: Uint8Array, values: number, { type, typeLength }: Stored): void {
  const width = type === 'FIXED_LEN_BYTE_ARRAY' ? typeLength : WIDTHS[type];
  if (width === undefined || !(width > 0)) throw new Claim(`values of ${width} bytes`, 'a length');
  if (values * width > bytes.length)
    throw new Claim(
      `${values} values of ${type}`,
      `at most ${Math.floor(bytes.length / width)} in ${bytes.length} bytes`,
    );
}

/** Runs behind their length in bytes. @returns where they end, and how many values are `target` */
export function walkLengthAndRuns(
  bytes: Uint8Array,
  at: number,
  width: number,
  values: number,
  target = -1,
): { end: number; hits: number } {
  if (at + 4 > bytes.byteLength) throw new Claim('a page that ends in its levels', 'whole pages');
  const length = new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0, true);
  const end = at + 4 + length;
  if (end > bytes.byteLength) throw new Claim(`levels of ${length} bytes`, `at most ${bytes.byteLength}`);
  return { end, hits: walkRuns(bytes.subarray(at + 4, end), width, values, target) };
}

/**
 * Walks runs of equal values and of packed bits, which must hold as many values as the page says.
 *
 * @returns how many of them are `target`
 */
export function walkRuns(bytes: Uint8Array, width: number, values: number, target = -1): number {
  let [at, seen, hits] = [0, 0, 0];
  while (seen < values) {
    if (at >= bytes.byteLength) throw new Claim(`${seen} values in runs`, `${values}`);
    const { value: header, end } = varint(bytes, at, 5);
    at = end;
    const packed = header % 2 === 1;
    const half = Math.floor(header / 2);
    const count = packed ? half * 8 : half;
    // Packed bits come in groups of eight, and some writers fill up a block of 64 groups.
    const most = values - seen + (packed ? 512 : 0);
    if (count > most || count === 0) throw new Claim(`a run of ${count} values`, `1 to ${values - seen}`);
    const length = packed ? half * width : Math.ceil(width / 8);
    const used = Math.min(count, values - seen);
    // The last group may lack what nobody reads.
    if (at + (packed ? Math.ceil((used * width) / 8) : length) > bytes.byteLength)
      throw new Claim(`a run of ${count} values`, `them in the ${bytes.byteLength - at} bytes that are left`);
    if (target >= 0)
      hits += packed ? packedHits(bytes, at, width, used, target) : runHits(bytes, at, length, used, target);
    at += length;
    seen += count;
  }
  return hits;
}

function runHits(bytes: Uint8Array, at: number, length: number, count: number, target: number): number {
  let value = 0;
  for (let i = 0; i < length; i++) value += bytes[at + i]! * 2 ** (8 * i);
  return value === target ? count : 0;
}

function packedHits(bytes: Uint8Array, at: number, width: number, count: number, target: number): number {
  let hits = 0;
  for (let i = 0; i < count; i++) {
    let value = 0;
    for (let bit = 0; bit < width; bit++) {
      const from = i * width + bit;
      value += ((bytes[at + (from >> 3)]! >> (from & 7)) & 1) * 2 ** bit;
    }
    if (value === target) hits++;
  }
  return hits;
}

/**
 * @param lengths whether the values are lengths: each is read then, and must be one
 * @returns where the deltas end, and the sum of the lengths
 */
function walkDeltas(
  bytes: Uint8Array,
  start: number,
  values: number,
  lengths = false,
): { end: number; sum: number } {
  const block = varint(bytes, start, 5);
  const mini = varint(bytes, block.end, 5);
  const total = varint(bytes, mini.end, 5);
  const first = varint(bytes, total.end, 10);
  const size = block.value / mini.value;
  if (!(block.value >= 1 && block.value <= MAX_BLOCK && mini.value >= 1 && mini.value <= MAX_MINIBLOCKS))
    throw new Claim(
      `blocks of ${block.value} values in ${mini.value} parts`,
      `at most ${MAX_BLOCK} in ${MAX_MINIBLOCKS}`,
    );
  if (size % 8 !== 0) throw new Claim(`parts of ${size} values`, 'a multiple of 8');
  if (total.value !== values) throw new Claim(`${total.value} deltas`, `${values}, as many as values`);
  let at = first.end;
  let value = zigzag(first.value);
  let sum = 0;
  const count = (): void => {
    if (!(value >= 0 && value < 2 ** 31)) throw new Claim(`a length of ${value}`, 'one of 31 bits');
    sum += value;
  };
  if (lengths) count();
  for (let left = values - 1; left > 0; ) {
    const least = varint(bytes, at, 10);
    const widths = bytes.subarray(least.end, least.end + mini.value);
    if (widths.length < mini.value) throw new Claim('deltas that end early', 'whole pages');
    at = least.end + mini.value;
    const step = zigzag(least.value);
    for (let part = 0; part < mini.value && left > 0; part++) {
      const width = widths[part]!;
      const used = Math.min(left, size);
      if (width > 64 || at + Math.ceil((used * width) / 8) > bytes.length)
        throw new Claim(
          `deltas of ${width} bits`,
          `${used} of them in the ${bytes.length - at} bytes that are left`,
        );
      for (let i = 0; lengths && i < used; i++) {
        value += step + packedValue(bytes, at, width, i);
        count();
      }
      at += (size * width) / 8;
      left -= used;
    }
  }
  return { end: at, sum };
}

function packedValue(bytes: Uint8Array, at: number, width: number, index: number): number {
  let value = 0;
  for (let bit = 0, from = index * width; bit < width; ) {
    const inByte = (from + bit) & 7;
    const take = Math.min(8 - inByte, width - bit);
    value += ((bytes[at + ((from + bit) >> 3)]! >> inByte) & (2 ** take - 1)) * 2 ** bit;
    bit += take;
  }
  return value;
}

function zigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

/** @param most bytes that a number of its kind has */
function varint(bytes: Uint8Array, start: number, most: number): { value: number; end: number } {
  let value = 0;
  for (let i = 0; i < most; i++) {
    const byte = bytes[start + i];
    if (byte === undefined) throw new Claim('a number that ends early', 'whole pages');
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return { value, end: start + i + 1 };
  }
  throw new Claim(`a number of more than ${most} bytes`, `at most ${most}`);
}
