/**
 * Reading a corpus and making rows of tokens of it, one thread, as training does: files of about 24 MB of generated
 * text in documents the size of a web page, with columns that are not wanted beside it. Medians of rounds in turn; the
 * files lie in memory, so that the disk is not measured.
 */
import { cpus } from 'node:os';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { demoModelFolder, demoRow } from '../../runner/demo/index.ts';
import { type ByteSource, memorySource } from '../../runner/io/byte-source.ts';
import { fileSource, sourceDeclaration } from '../../runner/text/file-source.ts';
import { mixture, startOfMixture } from '../../runner/text/mixture.ts';
import { packRows, startOfPacking } from '../../runner/text/packing.ts';
import { START, type TextSource } from '../../runner/text/source.ts';
import { loadTokenizer } from '../../runner/text/tokenizer.ts';
import { median } from './parts/median.ts';

const rounds = 5;
const documents = 8_000;
const documentBytes = 3_000;
const rowTokens = 1_024;
/** Tokenising is slower: a part of the documents is enough to time it. */
const packedRows = 1_000;

const texts = Array.from({ length: documents }, (_, document) => {
  const parts: string[] = [];
  for (let length = 0, i = 0; length < documentBytes; i++) {
    const { text } = demoRow('prose', document + 1, i);
    parts.push(text);
    length += text.length;
  }
  return parts.join('\n\n');
});
const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
const megabytes = bytes / 1e6;

function parquet(codec: 'UNCOMPRESSED' | 'SNAPPY' | 'GZIP' | 'ZSTD'): Uint8Array {
  const buffer = parquetWriteBuffer({
    columnData: [
      { name: 'text', data: texts, type: 'STRING' },
      { name: 'id', data: texts.map((_, i) => `urn:${i}`), type: 'STRING' },
      // As large as the text: what reading it too would cost is not paid.
      { name: 'other', data: texts.toReversed(), type: 'STRING' },
    ],
    codec,
    compressors: { GZIP: (input) => gzipSync(input), ZSTD: (input) => zstdCompressSync(input) },
    rowGroupSize: 1_000,
  });
  return new Uint8Array(buffer);
}

interface Case {
  name: string;
  /** Bytes read from the source in one round, and the size of the file. */
  read: number;
  file: number;
  source: TextSource;
  seconds: number[];
}

function make(path: string, content: Uint8Array): Case {
  const inner = memorySource(path, content);
  const made: Case = { name: path, read: 0, file: content.byteLength, source: null!, seconds: [] };
  const counted: ByteSource = {
    ...inner,
    async slice(start, end) {
      made.read += end - start;
      return inner.slice(start, end);
    },
  };
  const file = {
    path,
    name: path,
    bytes: content.byteLength,
    open: async () => ({ ...counted, close: async () => undefined }),
  };
  made.source = fileSource(path, sourceDeclaration.parse({ data: path }), [file]);
  return made;
}

const lines = Buffer.from(texts.map((text) => JSON.stringify({ text })).join('\n'));
const cases = [
  make('plain.parquet', parquet('UNCOMPRESSED')),
  make('snappy.parquet', parquet('SNAPPY')),
  make('gzip.parquet', parquet('GZIP')),
  make('zstd.parquet', parquet('ZSTD')),
  make('lines.jsonl', lines),
  make('lines.jsonl.gz', gzipSync(lines)),
  make('lines.jsonl.zst', zstdCompressSync(lines)),
];
for (let round = -1; round < rounds; round++) {
  for (const each of cases) {
    each.read = 0;
    const start = performance.now();
    let rows = 0;
    for await (const _ of each.source.rows(START)) rows++;
    if (rows !== documents) throw new Error(`${each.name}: ${rows} rows`);
    if (round >= 0) each.seconds.push((performance.now() - start) / 1000);
  }
}

const reading = cases.map((each) => ({ ...each }));

const tokenizer = await loadTokenizer(demoModelFolder);
let encoding = 0;
const timed = {
  encode: (text: string, options: { specialTokens: boolean }) => {
    const start = performance.now();
    const ids = tokenizer.encode(text, options);
    encoding += performance.now() - start;
    return ids;
  },
  applyChat: tokenizer.applyChat,
};
const zstd = cases[3]!;
const mixing: number[] = [];
const packing: { seconds: number; encoding: number; bytes: number }[] = [];
for (let round = -1; round < rounds; round++) {
  const part = { take: 'training', heldoutShare: 0.01 } as const;
  const texts = () => mixture([zstd.source], startOfMixture([zstd.source], 1), timed, { part });
  let start = performance.now();
  for await (const _ of texts());
  if (round >= 0) mixing.push((performance.now() - start) / 1000);
  start = performance.now();
  encoding = 0;
  let taken = 0;
  let consumed = 0;
  async function* counted() {
    for await (const text of texts()) {
      consumed += Buffer.byteLength(text.text);
      yield text;
    }
  }
  const from = startOfPacking(startOfMixture([zstd.source], 1));
  for await (const _ of packRows(counted(), timed, from, { rowTokens })) if (++taken === packedRows) break;
  const seconds = (performance.now() - start) / 1000;
  if (round >= 0) packing.push({ seconds, encoding: encoding / 1000, bytes: consumed });
}

/** One document of many rows: what a row costs must not depend on the length of its document. */
const longRows = [100, 800].map((thousands) => ({ thousands, seconds: [] as number[] }));
for (let round = -1; round < rounds; round++) {
  for (const { thousands, seconds } of longRows) {
    const ids = Array.from({ length: thousands * 1000 }, (_, i) => i);
    const position = startOfMixture([], 1);
    async function* one() {
      yield { text: '', source: 'one', hash: '', position };
    }
    const start = performance.now();
    for await (const _ of packRows(one(), { encode: () => ids }, startOfPacking(position), { rowTokens }));
    if (round >= 0) seconds.push((performance.now() - start) / 1000);
  }
}

console.log(
  `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores, one thread; ${documents} documents, ${megabytes.toFixed(1)} MB of text, ${rounds} rounds`,
);
for (const { name, read, file, seconds } of reading) {
  const time = median(seconds);
  console.log(
    `${name.padEnd(16)} ${(documents / time).toFixed(0).padStart(7)} rows/s ${(megabytes / time).toFixed(1).padStart(7)} MB/s of text (${(read / 1e6).toFixed(1)} of ${(file / 1e6).toFixed(1)} MB read)`,
  );
}
const mixed = median(mixing);
console.log(
  `zstd.parquet with extraction, hash and held-out split: ${(documents / mixed).toFixed(0)} rows/s, ${(megabytes / mixed).toFixed(1)} MB/s`,
);
const packed = packing.toSorted((a, b) => a.seconds - b.seconds)[packing.length >> 1]!;
console.log(
  `to packed rows of ${rowTokens}: ${((packedRows * rowTokens) / packed.seconds / 1000).toFixed(0)}k tokens/s, ${(packed.bytes / 1e6 / packed.seconds).toFixed(2)} MB/s; @huggingface/tokenizers takes ${((100 * packed.encoding) / packed.seconds).toFixed(0)} % of the time`,
);
console.log(
  `packing one document of ${longRows.map(({ thousands, seconds }) => `${thousands}k tokens: ${(median(seconds) * 1000).toFixed(0)} ms`).join(', of ')}`,
);
