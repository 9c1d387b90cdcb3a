/**
 * ZIP archives as NumPy (.npz) and PyTorch (.pt) write them: stored and deflated members, ZIP64. Archives come from
 * strangers: sizes are held against named limits before anything is read by them, members may not overlap (one stretch
 * of bytes counted many times is how a small archive claims to be a huge one), and contents are checked by CRC-32.
 */
import { Readable } from 'node:stream';
import { crc32, createInflateRaw, inflateRawSync } from 'node:zlib';
import { MalformedError, quote } from '../errors.ts';
import type { ByteSource } from '../io/byte-source.ts';

/** Tensors of a checkpoint; the largest seen are some thousands. */
const MEMBER_LIMIT = 10_000;
/** Bytes of the central directory. */
const DIRECTORY_LIMIT = 4_000_000;
/** What a deflated member may grow to: weights hardly compress at all, and small members of zeros do. */
const INFLATED_FREE = 64 << 20;
const INFLATED_RATIO = 8;
/** Bytes of a stored member held while its checksum is taken. */
const VERIFIED_AT_ONCE = 8 << 20;

const END = 0x06054b50;
const END_LENGTH = 22;
const COMMENT_LIMIT = 0xffff;
const END64 = 0x06064b50;
const END64_LOCATOR = 0x07064b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
const LOCAL_LENGTH = 30;

export interface ZipMember {
  name: string;
  /** Bytes as contents, and as they lie in the file. */
  byteLength: number;
  packedLength: number;
  deflated: boolean;
  crc: number;
  /** Of the local header. */
  offset: number;
}

export interface Zip {
  members: ReadonlyMap<string, ZipMember>;
}

function malformed(source: ByteSource, found: string, expected: string): MalformedError {
  return new MalformedError({
    thing: `zip archive ${source.name}`,
    found,
    expected,
    next: 'Download or write the file again.',
  });
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A 64-bit number that must be one of bytes inside the file. */
function fileNumber(view: DataView, at: number): number {
  const value = view.getBigUint64(at, true);
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.POSITIVE_INFINITY : Number(value);
}

/**
 * Reads the directory: three reads, however large the file.
 *
 * @throws MalformedError when it is not a ZIP archive of the kind described, or lies about its members
 */
export async function readZip(source: ByteSource): Promise<Zip> {
  const { count, start, length } = await findDirectory(source);
  if (count > MEMBER_LIMIT) throw malformed(source, `${count} members`, `at most ${MEMBER_LIMIT}`);
  if (length > DIRECTORY_LIMIT) {
    throw malformed(source, `a directory of ${length} bytes`, `at most ${DIRECTORY_LIMIT}`);
  }
  if (start + length > source.byteLength)
    throw malformed(source, 'a directory beyond the end', 'one inside the file');
  const members = parseDirectory(source, await source.slice(start, start + length), count);
  let reached = 0;
  for (const member of [...members.values()].sort((a, b) => a.offset - b.offset)) {
    if (member.offset < reached) {
      throw malformed(source, `member ${quote(member.name)} inside the one before it`, 'members apart');
    }
    reached = member.offset + LOCAL_LENGTH + Buffer.byteLength(member.name) + member.packedLength;
    if (reached > start)
      throw malformed(source, `member ${quote(member.name)} beyond the directory`, 'members before it');
  }
  return { members };
}

async function findDirectory(source: ByteSource): Promise<{ count: number; start: number; length: number }> {
  const from = Math.max(0, source.byteLength - END_LENGTH - COMMENT_LIMIT);
  const tail = viewOf(await source.slice(from, source.byteLength));
  for (let at = tail.byteLength - END_LENGTH; at >= 0; at--) {
    if (tail.getUint32(at, true) !== END) continue;
    if (at + END_LENGTH + tail.getUint16(at + 20, true) !== tail.byteLength) continue;
    if (tail.getUint16(at + 4, true) !== 0 || tail.getUint16(at + 6, true) !== 0) {
      throw malformed(source, 'an archive in several parts', 'a single file');
    }
    const here = {
      count: tail.getUint16(at + 10, true),
      length: tail.getUint32(at + 12, true),
      start: tail.getUint32(at + 16, true),
    };
    const large = here.count === 0xffff || here.length === 0xffffffff || here.start === 0xffffffff;
    if (!large) return here;
    return findDirectory64(source, tail, at - 20);
  }
  throw malformed(source, 'no end-of-directory record', 'a ZIP archive (this is none, or cut short)');
}

async function findDirectory64(
  source: ByteSource,
  tail: DataView,
  locator: number,
): Promise<{ count: number; start: number; length: number }> {
  if (locator < 0 || tail.getUint32(locator, true) !== END64_LOCATOR) {
    throw malformed(source, 'no ZIP64 locator', 'one before the end record');
  }
  const at = fileNumber(tail, locator + 8);
  if (at + 56 > source.byteLength)
    throw malformed(source, 'a ZIP64 record beyond the end', 'one inside the file');
  const record = viewOf(await source.slice(at, at + 56));
  if (record.getUint32(0, true) !== END64)
    throw malformed(source, 'no ZIP64 record', 'one where its locator points');
  return { count: fileNumber(record, 32), length: fileNumber(record, 40), start: fileNumber(record, 48) };
}

function parseDirectory(source: ByteSource, bytes: Uint8Array, count: number): Map<string, ZipMember> {
  const view = viewOf(bytes);
  const text = new TextDecoder('utf-8', { fatal: true });
  const members = new Map<string, ZipMember>();
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + 46 > bytes.length || view.getUint32(at, true) !== ENTRY) {
      throw malformed(source, `no directory entry ${i}`, `${count} of them`);
    }
    const [flags, method] = [view.getUint16(at + 8, true), view.getUint16(at + 10, true)];
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((field) =>
      view.getUint16(at + field, true),
    ) as [number, number, number];
    const next = at + 46 + nameLength + extraLength + commentLength;
    if (next > bytes.length)
      throw malformed(source, `directory entry ${i} beyond the directory`, 'whole entries');
    let name: string;
    try {
      name = text.decode(bytes.subarray(at + 46, at + 46 + nameLength));
    } catch {
      throw malformed(source, `member ${i} of a name that is not UTF-8`, 'UTF-8');
    }
    if (flags & 1) throw malformed(source, `member ${quote(name)} encrypted`, 'plain members');
    if (method !== 0 && method !== 8) {
      throw malformed(source, `member ${quote(name)} of compression ${method}`, 'stored (0) or deflated (8)');
    }
    const sizes = {
      byteLength: view.getUint32(at + 24, true),
      packedLength: view.getUint32(at + 20, true),
      offset: view.getUint32(at + 42, true),
    };
    const extra = at + 46 + nameLength;
    widen(source, view, extra, extra + extraLength, name, sizes);
    const member: ZipMember = { name, ...sizes, deflated: method === 8, crc: view.getUint32(at + 16, true) };
    checkSizes(source, member);
    if (members.has(name)) throw malformed(source, `two members ${quote(name)}`, 'each name once');
    members.set(name, member);
    at = next;
  }
  if (at !== bytes.length)
    throw malformed(source, `${bytes.length - at} bytes after the last directory entry`, 'none');
  return members;
}

/** ZIP64: sizes of 0xffffffff stand in the extra field 1, in this order. */
function widen(
  source: ByteSource,
  view: DataView,
  from: number,
  end: number,
  name: string,
  sizes: { byteLength: number; packedLength: number; offset: number },
): void {
  const missing = (['byteLength', 'packedLength', 'offset'] as const).filter(
    (key) => sizes[key] === 0xffffffff,
  );
  if (missing.length === 0) return;
  for (let at = from; at + 4 <= end; ) {
    const length = view.getUint16(at + 2, true);
    const stop = Math.min(at + 4 + length, end);
    if (view.getUint16(at, true) === 1) {
      missing.forEach((key, i) => {
        if (at + 4 + 8 * i + 8 <= stop) sizes[key] = fileNumber(view, at + 4 + 8 * i);
      });
      return;
    }
    at += 4 + length;
  }
  throw malformed(source, `member ${quote(name)} without its ZIP64 sizes`, 'a ZIP64 field');
}

function checkSizes(source: ByteSource, member: ZipMember): void {
  const { name, byteLength, packedLength, deflated } = member;
  if (!deflated && byteLength !== packedLength) {
    throw malformed(source, `stored member ${quote(name)} of ${packedLength} bytes`, `${byteLength} bytes`);
  }
  const limit = Math.max(INFLATED_FREE, INFLATED_RATIO * packedLength);
  if (deflated && byteLength > limit) {
    throw malformed(
      source,
      `member ${quote(name)} that grows from ${packedLength} to ${byteLength} bytes`,
      `at most ${limit} bytes`,
    );
  }
}

/**
 * The contents of one member.
 *
 * @throws MalformedError when they are missing, damaged, or of another length than declared
 */
export async function readMember(source: ByteSource, member: ZipMember): Promise<Uint8Array> {
  const { name, packedLength, byteLength, deflated, crc } = member;
  const start = await contentsOf(source, member);
  const packed = await source.slice(start, start + packedLength);
  let bytes: Uint8Array = packed;
  if (deflated) {
    try {
      bytes = inflateRawSync(packed, { maxOutputLength: Math.max(1, byteLength) });
    } catch {
      throw malformed(source, `member ${quote(name)} that does not inflate`, `${byteLength} bytes`);
    }
  }
  if (bytes.length !== byteLength) {
    throw malformed(source, `member ${quote(name)} of ${bytes.length} bytes`, `${byteLength} bytes`);
  }
  if (crc32(bytes) !== crc) throw damaged(source, member);
  return bytes;
}

/**
 * The contents of one member piece by piece: of one that is too large to be held.
 *
 * @throws MalformedError when they are missing, damaged, or of another length than declared: at the end, when all that is right has been given
 */
export async function* memberPieces(source: ByteSource, member: ZipMember): AsyncGenerator<Uint8Array> {
  const { name, packedLength, byteLength, deflated, crc } = member;
  const start = await contentsOf(source, member);
  async function* packed(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < packedLength; at += VERIFIED_AT_ONCE) {
      yield await source.slice(start + at, start + Math.min(packedLength, at + VERIFIED_AT_ONCE));
    }
  }
  let found = 0;
  let sum = 0;
  const pieces = deflated ? inflated(source, member, packed()) : packed();
  for await (const piece of pieces) {
    found += piece.byteLength;
    if (found > byteLength) break;
    sum = crc32(piece, sum);
    yield piece;
  }
  if (found !== byteLength) {
    const more = found > byteLength ? 'more' : `${found}`;
    throw malformed(source, `member ${quote(name)} of ${more} bytes`, `${byteLength} bytes`);
  }
  if (sum !== crc) throw damaged(source, member);
}

async function* inflated(
  source: ByteSource,
  { name, byteLength }: ZipMember,
  packed: AsyncGenerator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const from = Readable.from(packed);
  const inflate = createInflateRaw({ chunkSize: 1 << 20 });
  from.on('error', (error) => inflate.destroy(error));
  try {
    yield* from.pipe(inflate) as AsyncIterable<Uint8Array>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code?.startsWith('Z_') !== true) throw error;
    throw malformed(source, `member ${quote(name)} that does not inflate`, `${byteLength} bytes`);
  } finally {
    from.destroy();
    inflate.destroy();
  }
}

/**
 * One member for ranged reads. A stored one is read where it lies; a deflated one is inflated whole when it is first
 * read, and kept.
 *
 * @throws MalformedError when it is missing
 */
export async function openMember(source: ByteSource, member: ZipMember): Promise<ByteSource> {
  const { byteLength, deflated } = member;
  const name = `${source.name}, ${quote(member.name)}`;
  if (deflated) {
    let inflated: Promise<Uint8Array> | undefined;
    const whole = (): Promise<Uint8Array> => {
      inflated ??= readMember(source, member);
      return inflated;
    };
    return { name, byteLength, slice: async (from, to) => (await whole()).subarray(from, to) };
  }
  const start = await contentsOf(source, member);
  const { place } = source;
  return {
    name,
    byteLength,
    ...(place === undefined ? {} : { place: { file: place.file, start: place.start + start } }),
    slice: (from, to) => source.slice(start + from, start + to),
    async verify() {
      let crc = 0;
      for (let from = 0; from < byteLength; from += VERIFIED_AT_ONCE) {
        const to = Math.min(byteLength, from + VERIFIED_AT_ONCE);
        crc = crc32(await source.slice(start + from, start + to), crc);
      }
      if (crc !== member.crc) throw damaged(source, member);
    },
  };
}

function damaged(source: ByteSource, { name }: ZipMember): MalformedError {
  return malformed(source, `member ${quote(name)} with another CRC-32`, 'intact contents');
}

/** Byte at which a member's contents begin. */
async function contentsOf(source: ByteSource, { name, offset, packedLength }: ZipMember): Promise<number> {
  const header = viewOf(await source.slice(offset, offset + LOCAL_LENGTH));
  if (header.getUint32(0, true) !== LOCAL)
    throw malformed(source, `no member ${quote(name)}`, `one at byte ${offset}`);
  const start = offset + LOCAL_LENGTH + header.getUint16(26, true) + header.getUint16(28, true);
  if (start + packedLength > source.byteLength) {
    throw malformed(source, `member ${quote(name)} cut short`, `${packedLength} bytes`);
  }
  return start;
}
