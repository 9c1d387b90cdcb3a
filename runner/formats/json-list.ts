/** Items of a JSON list, one after the other, however long the list is. */
import { MalformedError } from '../errors.ts';
import type { ByteSource } from '../io/byte-source.ts';
import { BrokenRow, type Compression, contents, jsonRow, MAX_LINE_BYTES } from './lines.ts';

const [OPEN, CLOSE, QUOTE, ESCAPE, COMMA] = [0x5b, 0x5d, 0x22, 0x5c, 0x2c] as const;
const OPENING = new Set([OPEN, 0x7b]);
const CLOSING = new Set([CLOSE, 0x7d]);
const BLANK = new Set([0x20, 0x09, 0x0a, 0x0d]);
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/** Whether a file begins with a list, after blanks and a byte order mark. */
export async function isJsonList(source: ByteSource, compression: Compression): Promise<boolean> {
  for await (const piece of contents(source, compression, 0)) {
    for (const [i, byte] of piece.entries())
      if (!BLANK.has(byte) && BYTE_ORDER_MARK[i] !== byte) return byte === OPEN;
  }
  return false;
}

/**
 * The items from a byte on; one that is not JSON is given as a BrokenRow.
 *
 * @param start 0, or where an earlier item ended
 * @throws MalformedError when an item is too long, or the list has no end
 */
export async function* jsonList(
  source: ByteSource,
  compression: Compression,
  start = 0,
  limit = MAX_LINE_BYTES,
): AsyncGenerator<{ value: unknown; next: number }> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let held: Uint8Array[] = [];
  let [heldBytes, offset, itemStart] = [0, start, start];
  let depth = start === 0 ? 0 : 1;
  let [inString, escaped, ended] = [false, false, false];
  const item = (last: Uint8Array, end: number): unknown => {
    const bytes = held.length === 0 ? last : Buffer.concat([...held, last]);
    held = [];
    heldBytes = 0;
    const thing = `${source.name}, bytes ${itemStart} to ${end}`;
    let text: string;
    try {
      text = decoder.decode(bytes);
    } catch {
      return new BrokenRow(broken(thing, 'bytes that are not UTF-8', 'UTF-8 text'));
    }
    return text.trim() === '' ? undefined : jsonRow(text, thing, 'a JSON value');
  };
  for await (const piece of contents(source, compression, start)) {
    let from = depth === 0 ? piece.byteLength : 0;
    for (let at = 0; at < piece.byteLength && !ended; at++) {
      const byte = piece[at]!;
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === ESCAPE) escaped = true;
        else if (byte === QUOTE) inString = false;
        continue;
      }
      if (byte === QUOTE) inString = true;
      else if (depth === 1 && (byte === COMMA || byte === CLOSE)) {
        const value = item(piece.subarray(from, at), offset + at);
        ended = byte === CLOSE;
        from = at + 1;
        itemStart = offset + from;
        if (value !== undefined) yield { value, next: offset + at + (ended ? 0 : 1) };
      } else if (OPENING.has(byte)) {
        depth++;
        if (depth === 1) {
          from = at + 1;
          itemStart = offset + from;
        }
      } else if (CLOSING.has(byte)) depth--;
    }
    if (ended) return;
    held.push(piece.subarray(from));
    heldBytes += piece.byteLength - from;
    if (heldBytes > limit)
      throw broken(source.name, `an item of more than ${limit} bytes`, `at most ${limit}`);
    offset += piece.byteLength;
  }
  throw broken(source.name, 'a list without an end', 'a whole JSON list');
}

function broken(thing: string, found: string, expected: string): MalformedError {
  return new MalformedError({ thing, found, expected, next: 'Download the file again, or leave it out.' });
}
