import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { unpackWheels } from '../../../runner/commands/unpack-wheels.ts';
import { MalformedError, UnavailableError } from '../../../runner/errors.ts';
import { cudaLibraries, ONNXRUNTIME, type Wheel, wheels } from '../../../runner/onnx/cuda-libraries.ts';
import { runtimeLibrary } from '../../../runner/onnx/runtime-library.ts';
import { zipOf } from '../formats/hostile.ts';

let from: string;
beforeAll(async () => {
  from = await mkdtemp(join(tmpdir(), 'interpboard-'));
});
afterAll(() => rm(from, { recursive: true }));

/** Wheels like those that are fetched, with a few bytes for each library. */
async function small(): Promise<Wheel[]> {
  return Promise.all(
    wheels.map(async (wheel) => {
      const bytes = zipOf(
        wheel.libraries.map((name) => ({ name, bytes: Buffer.from(name.repeat(9)), deflate: true })),
      );
      await writeFile(join(from, wheel.file), bytes);
      return { ...wheel, size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
    }),
  );
}

function unpacking(wheels: Wheel[], folder: string, signal = new AbortController().signal) {
  return { wheels, from, folder, signal, progress: () => undefined };
}

it('has the libraries out of wheels, beside a copy of the runtime, and says when they are not whole', async () => {
  const folder = join(from, 'whole');
  expect(cudaLibraries(folder)).toBeNull();
  await unpackWheels(unpacking(await small(), folder));
  const found = cudaLibraries(folder);
  expect(found?.preload.map((path) => path.split(/[\\/]/).at(-1))).toEqual([
    ...['libcudart.so.13', 'libcublasLt.so.13', 'libcublas.so.13', 'libcurand.so.10'],
  ]);
  const name = 'nvidia/cu13/lib/libcurand.so.10';
  expect((await readFile(found!.preload.at(-1)!)).toString()).toBe(name.repeat(9));
  // Compared as bytes: 45 MB are too many for the matcher.
  expect((await readFile(found!.runtime)).equals(await readFile(runtimeLibrary().path))).toBe(true);
  // Another build of the runtime is another library.
  expect(cudaLibraries(folder, { ...runtimeLibrary(), path: join(from, wheels[0]!.file) })).toBeNull();
  await truncate(found!.preload[0]!, 3);
  expect(cudaLibraries(folder)).toBeNull();
});

it('leaves nothing where a wheel is missing, changed, or lacks a library, or when it is stopped', async () => {
  const folder = join(from, 'parts');
  const all = await small();
  const changed = all.map((wheel, i) => (i === 2 ? { ...wheel, sha256: '0'.repeat(64) } : wheel));
  await expect(unpackWheels(unpacking(changed, folder))).rejects.toThrow(MalformedError);
  const lacking = all.map((wheel, i) => (i === 2 ? { ...wheel, libraries: ['none.so'] } : wheel));
  await expect(unpackWheels(unpacking(lacking, folder))).rejects.toThrow('no none.so');
  const missing = all.map((wheel, i) => (i === 2 ? { ...wheel, file: 'none.whl' } : wheel));
  await expect(unpackWheels(unpacking(missing, folder))).rejects.toThrow(UnavailableError);
  await expect(unpackWheels(unpacking(all, folder, AbortSignal.abort()))).rejects.toThrow(/abort/i);
  expect((await readdir(from)).filter((name) => name.startsWith('parts'))).toEqual([]);
});

it('pins the provider of the runtime that is installed', async () => {
  const manifest = new URL('../../../node_modules/onnxruntime-node/package.json', import.meta.url);
  expect(JSON.parse(await readFile(manifest, 'utf8'))).toMatchObject({ version: ONNXRUNTIME });
  for (const { file, sha256, size } of wheels) {
    expect(file).toMatch(/^\w+-[\d.]+-[\w.]+-\w+-[\w.]*x86_64\.whl$/);
    expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(size).toBeGreaterThan(1e6);
  }
});
