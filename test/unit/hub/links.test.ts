import fs, { lstat, readFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { download } from '../../../runner/hub/download.ts';
import { noise, on, withBench } from '../../hub/open.ts';

// Windows without developer mode.
const { symlink } = fs;
beforeAll(() => {
  fs.symlink = async () => {
    throw Object.assign(new Error('operation not permitted'), { code: 'EPERM' });
  };
  syncBuiltinESMExports();
});
afterAll(() => {
  fs.symlink = symlink;
  syncBuiltinESMExports();
});

test('a system that refuses links gets files: the first names copied, the last moved', () =>
  withBench(async ({ hub, server }) => {
    const text = noise(20_000);
    server.put('o/n', { a: { text, lfs: true }, b: { text, lfs: true } });
    const { files, fetchedBytes } = await download(hub, { reference: on('o/n') });
    expect(fetchedBytes).toBe(text.length);
    for (const { file } of files) {
      expect((await lstat(file)).isSymbolicLink()).toBe(false);
      expect(await readFile(file)).toEqual(text);
    }
    expect((await download(hub, { reference: on('o/n') })).fetchedBytes).toBe(0);
  }));
