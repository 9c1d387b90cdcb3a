/** Every encoding that pyarrow and hyparquet-writer write is read right, and none is believed for more than its bytes hold. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Encoding } from 'hyparquet';
import { type BasicType, parquetWriteBuffer } from 'hyparquet-writer';
import { describe, expect, test } from 'vitest';
import { MalformedError } from '../../../runner/errors.ts';
import { openParquet, type ParquetRow } from '../../../runner/formats/parquet.ts';
import { checkValues } from '../../../runner/formats/parquet-encodings.ts';
import { structEnd } from '../../../runner/formats/thrift-check.ts';
import { memorySource } from '../../../runner/io/byte-source.ts';

const folder = fileURLToPath(new URL('../../fixtures/parquet/', import.meta.url));
const golden: Record<string, unknown[]> = JSON.parse(readFileSync(`${folder}golden.json`, 'utf8'));

async function readAll(bytes: Uint8Array, columns?: string[]): Promise<ParquetRow[]> {
  const file = await openParquet(memorySource('a.parquet', bytes));
  const rows: ParquetRow[] = [];
  for await (const row of file.read(0, columns ?? file.columns)) rows.push(row);
  return rows;
}

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_key, each) => (typeof each === 'bigint' ? Number(each) : each)));
}

test.each(['v1', 'v2'])('pages of version %s by pyarrow', async (name) => {
  const rows = await readAll(readFileSync(`${folder}${name}.parquet`));
  for (const [column, values] of Object.entries(golden))
    expect(plain(rows.map((row) => row[column])), column).toEqual(values);
  expect(Object.keys(golden).length).toBeGreaterThan(45);
});

const written: [BasicType, Encoding, unknown[]][] = [
  ['INT32', 'PLAIN', [1, -2, 3, 2 ** 31 - 1, -(2 ** 31)]],
  ['INT32', 'DELTA_BINARY_PACKED', Array.from({ length: 300 }, (_, i) => (i * 77) % 1000)],
  ['INT32', 'BYTE_STREAM_SPLIT', [1, -2, 3, 2 ** 31 - 1]],
  ['INT64', 'DELTA_BINARY_PACKED', Array.from({ length: 300 }, (_, i) => BigInt(i) * 2n ** 40n)],
  ['FLOAT', 'BYTE_STREAM_SPLIT', [0.5, -1.25, 3]],
  ['DOUBLE', 'BYTE_STREAM_SPLIT', [0.1, -1.2, 3e300]],
  ['BOOLEAN', 'RLE', [true, true, false, true]],
  ['STRING', 'RLE_DICTIONARY', Array.from({ length: 200 }, (_, i) => `word ${i % 5}`)],
  ['STRING', 'DELTA_LENGTH_BYTE_ARRAY', ['a', '', 'river', '日本']],
  ['STRING', 'DELTA_BYTE_ARRAY', ['river', 'riverbed', 'rivers', '', 'zebra']],
];

test.each(written)('%s as %s by hyparquet-writer', async (type, encoding, data) => {
  const columnData = [{ name: 'c', type, encoding, data }];
  const rows = await readAll(new Uint8Array(parquetWriteBuffer({ columnData })));
  expect(rows.map(({ c }) => c)).toEqual(data);
});

describe('what a page claims', () => {
  const stored = { type: 'INT32', typeLength: undefined, v2: false } as const;
  const deltas = (...header: number[]) => Uint8Array.from(header);

  test.each<[string, () => unknown, RegExp]>([
    [
      'more plain numbers than bytes',
      () => checkValues(new Uint8Array(40), 11, { ...stored, encoding: 'PLAIN' }),
      /11 values of INT32; expected at most 10 in 40 bytes/,
    ],
    [
      'more split ones',
      () => checkValues(new Uint8Array(40), 11, { ...stored, encoding: 'BYTE_STREAM_SPLIT' }),
      /11 values/,
    ],
    [
      'indices of too many bits',
      () => checkValues(Uint8Array.of(33, 2, 0), 1, { ...stored, encoding: 'RLE_DICTIONARY' }),
      /33 bits/,
    ],
    [
      'a run beyond the page',
      () =>
        checkValues(Uint8Array.of(1, 0xfe, 0xff, 0xff, 0xff, 0x0f, 0), 3, {
          ...stored,
          encoding: 'RLE_DICTIONARY',
        }),
      /a run of 2147483647 values; expected 1 to 3/,
    ],
    [
      'blocks of billions',
      () =>
        checkValues(deltas(0xff, 0xff, 0xff, 0xff, 0x0f, 4, 3, 0), 3, {
          ...stored,
          encoding: 'DELTA_BINARY_PACKED',
        }),
      /blocks of 4294967295 values/,
    ],
    [
      'millions of parts of a block',
      () =>
        checkValues(deltas(0x80, 1, 0xff, 0xff, 0xff, 0x0f, 3, 0), 3, {
          ...stored,
          encoding: 'DELTA_BINARY_PACKED',
        }),
      /in 33554431 parts/,
    ],
    [
      'other numbers of deltas and values',
      () => checkValues(deltas(0x80, 1, 4, 200, 1, 0), 3, { ...stored, encoding: 'DELTA_BINARY_PACKED' }),
      /200 deltas; expected 3/,
    ],
    [
      'a number without an end',
      () =>
        checkValues(deltas(0x80, 1, 4, 3, ...Array(20).fill(0xff)), 3, {
          ...stored,
          encoding: 'DELTA_BINARY_PACKED',
        }),
      /a number of more than 10 bytes/,
    ],
    [
      'negative lengths',
      () =>
        checkValues(deltas(0x80, 1, 4, 1, 1), 1, {
          ...stored,
          type: 'BYTE_ARRAY',
          encoding: 'DELTA_LENGTH_BYTE_ARRAY',
        }),
      /a length of -1/,
    ],
    [
      'lengths beyond the page',
      () =>
        checkValues(deltas(0x80, 1, 4, 1, 20), 1, {
          ...stored,
          type: 'BYTE_ARRAY',
          encoding: 'DELTA_LENGTH_BYTE_ARRAY',
        }),
      /values of 10 bytes; expected at most 0/,
    ],
    [
      'a type that the encoding has not',
      () => checkValues(new Uint8Array(9), 1, { ...stored, encoding: 'RLE' }),
      /RLE of INT32/,
    ],
  ])('%s', (_what, check, message) => {
    expect(check).toThrow(message);
  });

  test('prefixes that are copied count as bytes', () => {
    // Two values: prefixes 0 and 100, suffixes 100 and 0.
    const prefixes = [0x80, 1, 4, 2, 0, 0xc8, 1, 0, 0, 0, 0];
    const suffixes = [0x80, 1, 4, 2, 0xc8, 1, 0xc7, 1, 0, 0, 0, 0];
    const bytes = Uint8Array.from([...prefixes, ...suffixes, ...new Uint8Array(100)]);
    const about = { ...stored, type: 'BYTE_ARRAY', encoding: 'DELTA_BYTE_ARRAY' } as const;
    expect(checkValues(bytes, 2, about)).toBe(100);
  });

  test('one byte of a page’s header: as many values as nobody stored', async () => {
    const bytes = readFileSync(`${folder}v1.parquet`);
    const rows = await readAll(bytes, ['int32_byte_stream_split_nulls']);
    expect(rows).toHaveLength(120);
    const one = new Uint8Array(readFileSync(`${folder}one-byte.parquet`));
    await expect(readAll(one)).rejects.toThrow(/column "n": found 300 values in runs; expected 7788/);
  });

  test('structs: numbers without an end, long lists, depth, and an early end', () => {
    const field = 0x10;
    expect(structEnd(Uint8Array.of(field | 6, 4, 0, 9), 0)).toBe(3);
    expect(() => structEnd(Uint8Array.from([field | 6, ...Array(20).fill(0xff)]), 0)).toThrow(
      'more than 10 bytes',
    );
    expect(() => structEnd(Uint8Array.of(field | 9, 0xf5, 0xff, 0xff, 0xff, 0x0f), 0)).toThrow(
      'a list of 33554431',
    );
    expect(() => structEnd(new Uint8Array(100).fill(field | 12), 0)).toThrow('structs 33 deep');
    expect(() => structEnd(Uint8Array.of(field | 8, 5, 1), 0)).toThrow('5 bytes of 1');
    expect(() => structEnd(Uint8Array.of(field | 5, 1), 0)).toThrow('ends early');
  });

  test('a schema that no column has is refused by what it is', async () => {
    const columnData = [{ name: 'v', type: 'VARIANT' as const, data: [{ a: 1 }] }];
    const bytes = new Uint8Array(parquetWriteBuffer({ columnData }));
    await expect(readAll(bytes)).rejects.toThrow(/a column of VARIANT/);
    await expect(readAll(bytes)).rejects.toThrow(MalformedError);
  });
});
