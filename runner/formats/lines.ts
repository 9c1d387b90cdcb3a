/** Lines and paragraphs of a text file, plain or compressed, from a byte offset on; a line is never longer than a limit. */
import { createGunzip, createZstdDecompress, type Gunzip, type ZstdDecompress } from 'node:zlib';
import { InterpboardError, MalformedError, quote } from '../errors.ts';
import type { ByteSource } from '../io/byte-source.ts';
import { parseJson } from './json.ts';

/** Longest line or paragraph, bytes: a book has about 1 MB. */
export const MAX_LINE_BYTES = 2 ** 26;
/** Bytes of one ranged read. */
const PIECE_BYTES = 2 ** 22;
const NEWLINE = 0x0a;
/** Blank lines in a row, and their bytes: a small file can be billions of them. */
const MAX_BLANK = 2 ** 17;
const MAX_BLANK_BYTES = 2 ** 23;
/** Times its own size that a compressed file may unpack to, beyond what any may: text is packed to a tenth at best. */
const MAX_RATIO = 200;
const ANY_MAY_UNPACK = 2 ** 24;

export type Compression = 'none' | 'gzip' | 'zstd';

export interface Line {
  text: string;
  /** The line break that was taken off: none at the end of many files. */
  ending: string;
  /** Bytes of the (decompressed) text up to the start of the next line. */
  next: number;
}

/**
 * Lines without their line break; the last needs none. Blank lines are given too.
 *
 * @param start where the first line begins; what is before is skipped, by reading it where the file is compressed
 * @throws MalformedError when a line is too long, is not UTF-8, or the compression is damaged
 */
export async function* lines(
  source: ByteSource,
  compression: Compression,
  start = 0,
  limit = MAX_LINE_BYTES,
): AsyncGenerator<Line> {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  let [blank, blankBytes] = [0, 0];
  let offset = start;
  const take = (last: Uint8Array): Line => {
    const bytes = held.length === 0 ? last : Buffer.concat([...held, last]);
    offset += bytes.byteLength;
    const start = offset - bytes.byteLength;
    const whole = utf8(bytes, `${source.name}, bytes ${start} to ${offset}`);
    const text = start === 0 ? whole.replace(/^\ufeff/, '') : whole;
    held = [];
    heldBytes = 0;
    const ending = /\r?\n$/.exec(text)?.[0] ?? '';
    const seen = text.trim() !== '';
    [blank, blankBytes] = seen ? [0, 0] : [blank + 1, blankBytes + bytes.byteLength];
    if (blank > MAX_BLANK || blankBytes > MAX_BLANK_BYTES)
      throw malformed(source.name, `${blank} blank lines of ${blankBytes} bytes in a row`, 'lines of text');
    return { text: text.slice(0, text.length - ending.length), ending, next: offset };
  };
  for await (const piece of contents(source, compression, start)) {
    let from = 0;
    for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, from)) {
      if (heldBytes + end - from > limit) throw tooLong(source.name, offset, limit);
      yield take(piece.subarray(from, end + 1));
      from = end + 1;
    }
    if (from < piece.byteLength) {
      held.push(piece.subarray(from));
      heldBytes += piece.byteLength - from;
      if (heldBytes > limit) throw tooLong(source.name, offset, limit);
    }
  }
  if (heldBytes > 0) yield take(new Uint8Array(0));
}

/** Runs of lines that are not blank, joined by line breaks: paragraphs. Offsets are those of the line after. */
export async function* paragraphs(
  source: ByteSource,
  compression: Compression,
  start = 0,
  limit = MAX_LINE_BYTES,
): AsyncGenerator<Line> {
  let current: string[] = [];
  let length = 0;
  let next = start;
  for await (const line of lines(source, compression, start, limit)) {
    next = line.next;
    if (line.text.trim() !== '') {
      current.push(line.text);
      length += line.text.length;
      if (length > limit) throw tooLong(source.name, next, limit);
    } else if (current.length > 0) {
      yield { text: current.join('\n'), ending: '\n', next };
      current = [];
      length = 0;
    }
  }
  if (current.length > 0) yield { text: current.join('\n'), ending: '\n', next };
}

/** A row that is no JSON, with the error that says where. */
export class BrokenRow {
  readonly error: MalformedError;
  constructor(error: MalformedError) {
    this.error = error;
  }
  /** The same under another name of its place. */
  named(thing: string): BrokenRow {
    return new BrokenRow(new MalformedError({ ...this.error.complaint, thing }, { cause: this.error.cause }));
  }
}

/**
 * One JSON value a line; blank lines are passed over. A line that is not JSON is given as a BrokenRow.
 *
 * @throws MalformedError as `lines` does
 */
export async function* jsonLines(
  source: ByteSource,
  compression: Compression,
  start = 0,
  limit = MAX_LINE_BYTES,
): AsyncGenerator<{ value: unknown; next: number }> {
  let before = start;
  for await (const { text, next } of lines(source, compression, start, limit)) {
    if (text.trim() !== '')
      yield {
        value: jsonRow(text, `${source.name}, bytes ${before} to ${next}`, 'one JSON value a line'),
        next,
      };
    before = next;
  }
}

export function jsonRow(text: string, thing: string, expected: string): unknown {
  try {
    return parseJson(text);
  } catch (cause) {
    const found = whereItBreaks(text, cause as Error);
    return new BrokenRow(new MalformedError({ thing, found, expected, next: BROKEN_NEXT }, { cause }));
  }
}

const BROKEN_NEXT = 'Mend the row or leave it out, or let corpus.badRows pass over a share of such rows.';
const SHOWN = 30;

/** JSON.parse's message; with the text on both sides of where it gave up, which some of its messages quote already. */
function whereItBreaks(text: string, { message }: Error): string {
  const place = /^(.*) in JSON at position (\d+)/s.exec(message);
  if (place === null && !message.startsWith('Unexpected end')) return quote(message);
  const [reason, at] = place === null ? [message, text.length] : [place[1], Number(place[2])];
  return `${reason} between ${quote(text.slice(Math.max(0, at - SHOWN), at))} and ${quote(text.slice(at, at + SHOWN))}`;
}

export async function* contents(
  source: ByteSource,
  compression: Compression,
  start: number,
): AsyncGenerator<Uint8Array> {
  if (compression === 'none') {
    yield* pieces(source, start);
    return;
  }
  let skip = start;
  let [packed, total] = [0, 0];
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces(source, 0)) {
      packed += piece.byteLength;
      yield piece;
    }
  };
  try {
    for await (const piece of unpacked(counted(), compression)) {
      total += piece.byteLength;
      if (total > Math.max(ANY_MAY_UNPACK, MAX_RATIO * packed))
        throw malformed(
          source.name,
          `${packed} bytes that unpack to more than ${MAX_RATIO} times as many`,
          'text, which is not that repetitive',
        );
      const rest = piece.subarray(Math.min(skip, piece.byteLength));
      skip -= piece.byteLength - rest.byteLength;
      if (rest.byteLength > 0) yield rest;
    }
  } catch (cause) {
    if (cause instanceof InterpboardError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw malformed(source.name, `damaged ${compression} data (${quote(reason)})`, 'a whole file', cause);
  }
}

/**
 * Decompressors are fed by hand rather than by pipe: Node's zstd takes input up to the end of a frame, ends, and drops
 * the rest without a word, where files of several frames are common. Each rest gets a decompressor of its own.
 */
async function* unpacked(
  input: AsyncGenerator<Uint8Array>,
  compression: 'gzip' | 'zstd',
): AsyncGenerator<Uint8Array> {
  let rest: Uint8Array | undefined = (await input.next()).value ?? undefined;
  while (rest !== undefined) {
    const options = { chunkSize: 2 ** 18 };
    const stream = compression === 'gzip' ? createGunzip(options) : createZstdDecompress(options);
    const fed = feed(stream, rest, input);
    // Seen again where it is awaited; the stream's own error comes first.
    fed.catch((error: Error) => stream.destroy(error));
    try {
      yield* stream as AsyncIterable<Uint8Array>;
      rest = await fed;
    } finally {
      stream.destroy();
    }
  }
}

/** Writes until the input or the stream ends. @returns what the stream did not take */
async function feed(
  stream: Gunzip | ZstdDecompress,
  first: Uint8Array,
  input: AsyncGenerator<Uint8Array>,
): Promise<Uint8Array | undefined> {
  for (let piece: Uint8Array | undefined = first; piece !== undefined; ) {
    const before = stream.bytesWritten;
    const whole: Uint8Array = piece;
    await new Promise<void>((resolve, reject) => {
      const ended = (): void => resolve();
      stream.once('close', ended);
      stream.write(whole, (error) => {
        stream.off('close', ended);
        if (error) reject(error);
        else resolve();
      });
    });
    if (stream.destroyed && !stream.readableEnded) return undefined;
    const used = stream.bytesWritten - before;
    if (used < whole.byteLength) {
      if (used <= 0) throw new Error('bytes after its end');
      return whole.subarray(used);
    }
    piece = (await input.next()).value ?? undefined;
  }
  stream.end();
  return undefined;
}

async function* pieces(source: ByteSource, start: number): AsyncGenerator<Uint8Array> {
  for (let at = start; at < source.byteLength; at += PIECE_BYTES)
    yield await source.slice(at, Math.min(at + PIECE_BYTES, source.byteLength));
}

/** A byte order mark is kept in texts, and taken away from the start of a file. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function utf8(bytes: Uint8Array, thing: string): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw malformed(thing, 'bytes that are not UTF-8', 'UTF-8 text', cause);
  }
}

function tooLong(name: string, offset: number, limit: number): MalformedError {
  return malformed(
    `${name}, from byte ${offset}`,
    `more than ${limit} bytes in one line`,
    `at most ${limit}`,
  );
}

function malformed(thing: string, found: string, expected: string, cause?: unknown): MalformedError {
  const next = 'Download the file again, or leave it out.';
  return new MalformedError({ thing, found, expected, next }, { cause });
}
