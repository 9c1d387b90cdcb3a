import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { MalformedError, UserError } from '../../../runner/errors.ts';
import { openParquet, type ParquetRow } from '../../../runner/formats/parquet.ts';
import { type ByteSource, memorySource } from '../../../runner/io/byte-source.ts';

const folder = fileURLToPath(new URL('../../fixtures/text/', import.meta.url));
const golden = JSON.parse(readFileSync(`${folder}golden.json`, 'utf8')) as {
  files: string[];
  rows: ParquetRow[];
};
const load = (name: string): Buffer => readFileSync(`${folder}${name}.parquet`);
const columns = Object.keys(golden.rows[0]!);

async function readAll(source: ByteSource, start = 0, wanted = columns): Promise<ParquetRow[]> {
  const rows: ParquetRow[] = [];
  for await (const row of (await openParquet(source)).read(start, wanted)) rows.push(row);
  return rows;
}

/** Integers of 64 bits come as BigInt; the fixtures' are small. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_key, each) => (typeof each === 'bigint' ? Number(each) : each)));
}

describe.each(golden.files)('%s.parquet', (name) => {
  test('has the rows that pyarrow wrote', async () => {
    const source = memorySource(name, load(name));
    const file = await openParquet(source);
    expect(file.rows).toBe(100);
    expect(file.columns).toEqual(columns);
    expect(plain(await readAll(source))).toEqual(golden.rows);
  });

  test.each([1, 22, 23, 50, 59, 99, 100])('goes on from row %i', async (start) => {
    const rows = await readAll(memorySource(name, load(name)), start, ['conversations', 'text']);
    const expected = golden.rows.slice(start).map(({ conversations, text }) => ({ text, conversations }));
    expect(rows).toEqual(expected);
  });
});

test('strings of 64-bit offsets, and a file without rows', async () => {
  const texts = await readAll(memorySource('large', load('large-string')), 0, ['text']);
  expect(texts).toEqual(golden.rows.map(({ text }) => ({ text })));
  expect(await readAll(memorySource('empty', load('empty')))).toEqual([]);
});

test('costs one read of the footer and one per column and row group', async () => {
  const bytes = load('groups');
  const reads: [number, number][] = [];
  const source: ByteSource = {
    name: 'groups',
    byteLength: bytes.byteLength,
    async slice(start, end) {
      reads.push([start, end]);
      return bytes.subarray(start, end);
    },
  };
  const file = await openParquet(source);
  expect(reads).toHaveLength(1);
  reads.length = 0;
  // Row groups of 23: rows 50.. lie in the third, and only that is read for the first of them.
  const rows = file.read(50, ['text']);
  expect((await rows.next()).value).toEqual({ text: golden.rows[50]!.text });
  expect(reads).toHaveLength(1);
  const [[start, end]] = reads as [[number, number]];
  expect(end - start).toBeLessThan(2000);
  await rows.return(undefined);
});

test('what it cannot read is one line with the file and the reason', async () => {
  await expect(readAll(memorySource('a.parquet', load('lz4')), 0, ['text'])).rejects.toThrow(
    /a\.parquet, row group 0, column "text": found pages compressed with "LZ4(_RAW)?"; expected .*ZSTD.* write it again/,
  );
  await expect(readAll(memorySource('a.parquet', load('plain')), 0, ['txt'])).rejects.toThrow(UserError);
  await expect(openParquet(memorySource('a.parquet', Buffer.from('PAR1PAR1')))).rejects.toThrow(
    MalformedError,
  );
  await expect(openParquet(memorySource('a.parquet', Buffer.alloc(4096)))).rejects.toThrow(
    /ending in "PAR1"/,
  );
  const long = Buffer.from(load('plain'));
  long.writeUInt32LE(0xfffffff0, long.byteLength - 8);
  await expect(openParquet(memorySource('a.parquet', long))).rejects.toThrow(/a footer of 4294967280 bytes/);
});

test('a compression without a name is a malformed file', async () => {
  const bytes = Buffer.from(load('plain'));
  // The path of the column, then its compression: field of type i32, 0 as zigzag.
  const at = bytes.indexOf(Buffer.from('\x04text\x15\x00', 'latin1'));
  expect(at).toBeGreaterThan(0);
  bytes[at + 6] = 0x7e;
  await expect(readAll(memorySource('a.parquet', bytes), 0, ['text'])).rejects.toThrow(
    /column "text": found a compression that has no name/,
  );
});

test('claims of size beyond the limits are refused before memory is taken', async () => {
  // The first page header of an uncompressed chunk: its sizes are zigzag varints right after the type.
  const bytes = load('large-string');
  // 0x15 = field of type i32; page type 2 (dictionary) = zigzag 4; then the uncompressed size.
  expect([...bytes.subarray(4, 7)]).toEqual([0x15, 0x04, 0x15]);
  const size = bytes.subarray(7).findIndex((byte) => byte < 0x80) + 1;
  const claim = Buffer.from([0xfe, 0xff, 0xff, 0xff, 0x0f]);
  const lies = Buffer.concat([bytes.subarray(0, 7), claim, bytes.subarray(7 + size)]);
  await expect(readAll(memorySource('a.parquet', lies), 0, ['text'])).rejects.toThrow(
    /a page of 2147483647 bytes when decompressed; expected at most 8388608/,
  );
});

test('a run of more values than its page has is refused', async () => {
  const bytes = Buffer.from(load('plain'));
  // Definition levels of a column without nulls: 3 bytes, one run of 100 (2 · 100 as a varint) times level 1.
  const levels = Buffer.from([3, 0, 0, 0, 0xc8, 0x01, 0x01]);
  const at = bytes.indexOf(levels);
  expect(at).toBeGreaterThan(0);
  bytes.set([0xfe, 0x7f], at + 4);
  await expect(readAll(memorySource('a.parquet', bytes), 0, ['id'])).rejects.toThrow(
    /column "id": found a run of 8191 values; expected 1 to 100/,
  );
});
