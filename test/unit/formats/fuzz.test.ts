/**
 * Thousands of damaged files, the same ones each time. Whatever is in them, a reader either returns or throws a
 * MalformedError of one line; it never reads outside the file, and its memory stays within a named bound.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { MalformedError } from '../../../runner/errors.ts';
import { parseNpy, readNpz } from '../../../runner/formats/npy.ts';
import { openParquet } from '../../../runner/formats/parquet.ts';
import { readFloats, readSafetensors } from '../../../runner/formats/safetensors.ts';
import { readTorchFile, TorchTensor, type TorchValue } from '../../../runner/formats/torch-file.ts';
import { readMember, readZip } from '../../../runner/formats/zip.ts';
import type { ByteSource } from '../../../runner/io/byte-source.ts';
import { random } from '../../../runner/math/random.ts';
import { mutated, strictSource, zipOf } from './hostile.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/sae/', import.meta.url));
const fixture = (path: string): Uint8Array => Uint8Array.from(readFileSync(`${fixtures}${path}`));

/** No file here is larger than 16 kB: what a reader takes beyond this, it took on the file's word. */
const MEMORY_LIMIT = 256 << 20;

async function readTorch(source: ByteSource): Promise<void> {
  const file = await readTorchFile(source);
  const values: TorchValue[] = file.value instanceof Map ? [...file.value.values()] : [];
  for (const value of values)
    if (value instanceof TorchTensor && value.dtype === 'F32') await file.floats(value);
}

const parquetFiles = ['groups', 'v2', 'delta', 'pages', 'zstd', 'plain'].map((name) =>
  Uint8Array.from(
    readFileSync(fileURLToPath(new URL(`../../fixtures/text/${name}.parquet`, import.meta.url))),
  ),
);

async function readParquet(bytes: Uint8Array): Promise<void> {
  const file = await openParquet(strictSource(bytes));
  for await (const _ of file.read(0, file.columns));
}

async function readSafetensorsWhole(source: ByteSource): Promise<void> {
  const file = await readSafetensors(source);
  for (const name of file.tensors.keys()) await readFloats(source, file, name);
}

/** Members of an archive, so that what is damaged keeps a right CRC-32 around it. */
async function membersOf(bytes: Uint8Array): Promise<Map<string, Uint8Array>> {
  const source = strictSource(bytes);
  const { members } = await readZip(source);
  const found = new Map<string, Uint8Array>();
  for (const [name, member] of members) found.set(name, await readMember(source, member));
  return found;
}

const torchFile = fixture('dictionary-learning/MatryoshkaBatchTopKSAE/ae.pt');
const npzFile = fixture('gemma-scope/compressed/params.npz');
const torchMembers = await membersOf(torchFile);
const pickleName = [...torchMembers.keys()].find((name) => name.endsWith('/data.pkl'))!;
const arrays = [...(await membersOf(npzFile)).values()];

const targets: Record<string, { count: number; run: (seed: number) => Promise<void> }> = {
  'safetensors, anywhere': {
    count: 1_500,
    run: (seed) =>
      readSafetensorsWhole(strictSource(mutated(fixture('sparsify/sae/sae.safetensors'), random('s', seed)))),
  },
  'safetensors, the header': {
    count: 1_500,
    run: (seed) => {
      const file = Buffer.from(fixture('sparsify/sae/sae.safetensors'));
      const length = Number(file.readBigUInt64LE(0));
      const header = mutated(file.subarray(8, 8 + length), random('h', seed));
      const lead = Buffer.alloc(8);
      lead.writeBigUInt64LE(BigInt(header.length));
      return readSafetensorsWhole(strictSource(Buffer.concat([lead, header, file.subarray(8 + length)])));
    },
  },
  'torch file, anywhere': {
    count: 1_000,
    run: (seed) => readTorch(strictSource(mutated(torchFile, random('t', seed)))),
  },
  'torch file, the pickle': {
    count: 3_000,
    run: (seed) => {
      const parts = [...torchMembers].map(([name, bytes]) => ({
        name,
        bytes: name === pickleName ? mutated(bytes, random('p', seed)) : bytes,
      }));
      return readTorch(strictSource(zipOf(parts)));
    },
  },
  'npz, anywhere': {
    count: 1_000,
    run: async (seed) => void (await readNpz(strictSource(mutated(npzFile, random('n', seed))))),
  },
  'zip, the directory': {
    count: 1_500,
    run: async (seed) => {
      const start = new DataView(npzFile.buffer).getUint32(npzFile.length - 6, true);
      const directory = mutated(npzFile.subarray(start), random('z', seed));
      await readNpz(strictSource(Buffer.concat([npzFile.subarray(0, start), directory])));
    },
  },
  'parquet, anywhere': {
    count: 2_000,
    run: (seed) => readParquet(mutated(parquetFiles[seed % parquetFiles.length]!, random('pa', seed))),
  },
  'parquet, the footer': {
    count: 2_000,
    run: (seed) => {
      const bytes = Buffer.from(parquetFiles[seed % parquetFiles.length]!);
      const start = bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8);
      const footer = mutated(bytes.subarray(start, -8), random('pf', seed));
      const end = Buffer.from('\0\0\0\0PAR1');
      end.writeUInt32LE(footer.length);
      return readParquet(Uint8Array.from(Buffer.concat([bytes.subarray(0, start), footer, end])));
    },
  },
  'npy, the header': {
    count: 1_500,
    run: async (seed) => {
      const array = arrays[seed % arrays.length]!;
      const header = mutated(array.subarray(0, 128), random('a', seed));
      await parseNpy('array', Buffer.concat([header, array.subarray(128)]));
    },
  },
};

afterAll(() => {
  const total = Object.values(targets).reduce((sum, { count }) => sum + count, 0);
  console.info(`${total} hostile files in all, none of which crashed, hung or passed the memory limit`);
});

test.each(Object.keys(targets))('%s', async (name) => {
  const { count, run } = targets[name]!;
  let refused = 0;
  const before = process.memoryUsage().rss;
  let highest = before;
  for (let seed = 0; seed < count; seed++) {
    try {
      await run(seed);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw new Error(`seed ${seed}`, { cause: error });
      expect(error.message).not.toMatch(/[\n\r]/);
      expect(error.message.length).toBeLessThan(800);
      refused++;
    }
    if (seed % 50 === 0) highest = Math.max(highest, process.memoryUsage().rss);
  }
  console.info(
    `${name}: ${count} files, ${refused} refused, ${((highest - before) >> 20).toString()} MiB more at most`,
  );
  expect(refused).toBeGreaterThan(count / 3);
  expect(highest - before).toBeLessThan(MEMORY_LIMIT);
});
