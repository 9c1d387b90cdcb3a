/** Parquet: files of pyarrow and of hyparquet-writer with every encoding and codec, damaged anywhere, in footers, in pages' headers. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { CompressionCodec, Encoding } from 'hyparquet';
import { type BasicType, parquetWriteBuffer } from 'hyparquet-writer';
import { openParquet } from '../../../runner/formats/parquet.ts';
import type { Random } from '../../../runner/math/random.ts';
import { mutated, strictSource } from '../../unit/formats/hostile.ts';
import { type FuzzFormat, pick } from '../format.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/', import.meta.url));

const WRITTEN: readonly [BasicType, readonly (Encoding | undefined)[], readonly unknown[]][] = [
  [
    'INT32',
    ['PLAIN', 'DELTA_BINARY_PACKED', 'BYTE_STREAM_SPLIT', 'RLE_DICTIONARY'],
    [1, -2, 70_000, 5, 5, 5],
  ],
  ['INT64', ['PLAIN', 'DELTA_BINARY_PACKED', 'BYTE_STREAM_SPLIT'], [1n, -(2n ** 60n), 5n]],
  ['FLOAT', ['PLAIN', 'BYTE_STREAM_SPLIT'], [0.5, -3, 7]],
  ['DOUBLE', ['PLAIN', 'BYTE_STREAM_SPLIT', 'RLE_DICTIONARY'], [0.5, -3e200, 7]],
  ['BOOLEAN', ['PLAIN', 'RLE'], [true, false, true, true]],
  [
    'STRING',
    ['PLAIN', 'DELTA_LENGTH_BYTE_ARRAY', 'DELTA_BYTE_ARRAY', 'RLE_DICTIONARY'],
    ['river', 'rivers', '', '日本'],
  ],
  ['JSON', ['PLAIN'], [{ a: 1 }, [2]]],
  ['UUID', ['PLAIN'], ['00000000-0000-4000-8000-000000000001']],
];

/** Small files, one column and encoding each: nearly every change hits something that matters. */
function writtenHere(): Uint8Array[] {
  const files: Uint8Array[] = [];
  for (const [type, encodings, values] of WRITTEN) {
    for (const encoding of encodings) {
      for (const codec of ['UNCOMPRESSED', 'SNAPPY'] satisfies CompressionCodec[]) {
        const data = Array.from({ length: 40 }, (_, i) => (i % 7 === 3 ? null : values[i % values.length]));
        const column = { name: 'c', type, data, nullable: true, ...(encoding ? { encoding } : {}) };
        files.push(new Uint8Array(parquetWriteBuffer({ columnData: [column], codec })));
      }
    }
  }
  return files;
}

export const parquet: FuzzFormat = {
  name: 'parquet',
  async prepare() {
    const read = (path: string): Uint8Array => Uint8Array.from(readFileSync(`${fixtures}${path}.parquet`));
    const text = ['groups', 'v2', 'delta', 'pages', 'zstd', 'gzip', 'brotli', 'plain'].map((name) =>
      read(`text/${name}`),
    );
    const encodings = ['v1', 'v2'].map((name) => read(`parquet/${name}`));
    const small = writtenHere();
    return async (stream) => {
      const file = pick(stream, pick(stream, [text, encodings, small, small]));
      const bytes = pick(stream, [anywhere, footer, aroundPages])(file, stream);
      const opened = await openParquet(strictSource(bytes));
      // A few of many columns, as a source reads them.
      const columns =
        opened.columns.length <= 8
          ? opened.columns
          : Array.from({ length: 3 }, () => pick(stream, opened.columns));
      for await (const _ of opened.read(0, [...new Set(columns)]));
    };
  },
};

const anywhere = (file: Uint8Array, stream: Random): Uint8Array => mutated(file, stream);

function footer(file: Uint8Array, stream: Random): Uint8Array {
  const start = file.length - 8 - Buffer.from(file).readUInt32LE(file.length - 8);
  const damaged = mutated(file.subarray(start, -8), stream);
  const end = Buffer.from('\0\0\0\0PAR1');
  end.writeUInt32LE(damaged.length);
  return Uint8Array.from(Buffer.concat([file.subarray(0, start), damaged, end]));
}

const CLAIMS = [0, 1, 2, 0x3f, 0x7f, 0x80, 0xf8, 0xfe, 0xff];

/** Single bytes before the footer, lengths kept: headers of pages, levels, runs. */
function aroundPages(file: Uint8Array, stream: Random): Uint8Array {
  const bytes = Uint8Array.from(file);
  const end = file.length - 8 - Buffer.from(file).readUInt32LE(file.length - 8);
  for (let change = stream.integer(3); change >= 0; change--) {
    const at = stream.integer(Math.max(1, end));
    bytes[at] = stream.integer(2) === 0 ? stream.integer(256) : pick(stream, CLAIMS);
  }
  return bytes;
}
