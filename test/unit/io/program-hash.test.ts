import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { hashOfProgram, programHash } from '../../../runner/io/program-hash.ts';

let folder: string;
const manifest = (): string => join(folder, 'package.json');
const hash = (): Promise<string> => hashOfProgram(join(folder, 'code'), manifest());

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-program-'));
  await cp(new URL('../../../runner/metrics', import.meta.url), join(folder, 'code', 'metrics'), {
    recursive: true,
  });
  await writeFile(manifest(), JSON.stringify({ version: '1', dependencies: { zod: '1.0.0' } }));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('a change of a module, a new one, and another version of a dependency change the hash', async () => {
  const seen = [await hash()];
  expect(await hash()).toBe(seen[0]);
  await writeFile(join(folder, 'code', 'metrics', 'l0.ts'), 'export const changed = 1;\n');
  seen.push(await hash());
  await writeFile(join(folder, 'code', 'metrics', 'kernels.wasm'), new Uint8Array(8));
  seen.push(await hash());
  await writeFile(manifest(), JSON.stringify({ version: '1', dependencies: { zod: '1.0.1' } }));
  seen.push(await hash());
  expect(new Set(seen).size).toBe(4);
});

test('what is no code does not count, nor what else the manifest says', async () => {
  const before = await hash();
  await writeFile(join(folder, 'code', 'README.md'), 'words');
  await writeFile(manifest(), JSON.stringify({ version: '2', dependencies: { zod: '1.0.0' } }));
  expect(await hash()).toBe(before);
});

test('the program has one, the same at every call', async () => {
  expect(await programHash()).toMatch(/^[0-9a-f]{64}$/);
  expect(await programHash()).toBe(await programHash());
});
