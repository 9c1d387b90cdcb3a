import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UnavailableError } from '../../../runner/errors.ts';
import { writeAtomic, writeJsonAtomic } from '../../../runner/io/write-atomic.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('writeAtomic', () => {
  it('writes all parts, makes folders, and leaves nothing else behind', async () => {
    const path = join(folder, 'a', 'b.bin');
    await writeAtomic(path, [Uint8Array.of(1, 2), Uint8Array.of(3)]);
    expect([...(await readFile(path))]).toEqual([1, 2, 3]);
    await writeJsonAtomic(path, { k: 1 });
    expect(await readFile(path, 'utf8')).toBe('{\n  "k": 1\n}\n');
    expect(await readdir(join(folder, 'a'))).toEqual(['b.bin']);
  });

  it('keeps the old file and leaves no part when writing fails half-way', async () => {
    const path = join(folder, 'kept.txt');
    await writeFile(path, 'old');
    function* parts(): Generator<Uint8Array> {
      yield Uint8Array.of(1);
      throw new Error('no space left on device');
    }
    await expect(writeAtomic(path, parts())).rejects.toThrow(UnavailableError);
    expect(await readFile(path, 'utf8')).toBe('old');
    expect(await readdir(folder)).toEqual(['kept.txt']);
  });

  it('says so when the name is taken by a folder', async () => {
    await mkdir(join(folder, 'taken', 'inside'), { recursive: true });
    await expect(writeAtomic(join(folder, 'taken'), 'x')).rejects.toThrow(
      /taken.*expected a writable folder/,
    );
    expect(await readdir(folder)).toEqual(['taken']);
  });
});
