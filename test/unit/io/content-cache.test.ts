import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openContentCache, remembered } from '../../../runner/io/content-cache.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-cache-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const bytes = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);

async function only(): Promise<string> {
  const names = await readdir(folder);
  expect(names).toHaveLength(1);
  return join(folder, names[0]!);
}

describe('content cache', () => {
  it('gives back what was put, also to another process, and nothing under another key', async () => {
    const cache = await openContentCache(folder, 1e6, 'test program');
    expect(await cache.get('a')).toBeUndefined();
    cache.put('a', bytes(1000, 7));
    await cache.settled();
    const other = await openContentCache(folder, 1e6, 'test program');
    expect(await other.get('a')).toEqual(bytes(1000, 7));
    expect(await other.get('b')).toBeUndefined();
    expect(other.counts).toMatchObject({ hits: 1, misses: 1 });
    const changed = await openContentCache(folder, 1e6, 'test program, changed');
    expect(await changed.get('a')).toBeUndefined();
  });

  it.each([
    ['cut off', async (path: string) => truncate(path, 500)],
    ['emptied', async (path: string) => truncate(path, 0)],
    [
      'changed in one bit',
      async (path: string) => {
        const found = await readFile(path);
        found[found.length - 1]! ^= 1;
        await writeFile(path, found);
      },
    ],
  ])('finds an entry that was %s out, and removes it', async (_how, damage) => {
    const cache = await openContentCache(folder, 1e6, 'test program');
    cache.put('a', bytes(1000, 7));
    await cache.settled();
    await damage(await only());
    expect(await cache.get('a')).toBeUndefined();
    expect(cache.counts.damaged).toBe(1);
    expect(await readdir(folder)).toEqual([]);
  });

  it('stays below its limit: what was read longest ago goes first', async () => {
    for (let i = 0; i < 8; i++) {
      // Each process may write half of the limit.
      const cache = await openContentCache(folder, 10_000, 'test program');
      cache.put(`entry ${i}`, bytes(2000, i));
      await cache.settled();
      await setTimeout(5);
      if (i >= 2) await cache.get('entry 0');
    }
    const cache = await openContentCache(folder, 10_000, 'test program');
    expect(await cache.get('entry 0')).toBeDefined();
    expect(await cache.get('entry 1')).toBeUndefined();
    expect(await cache.get('entry 7')).toBeDefined();
    expect((await readdir(folder)).length).toBeLessThanOrEqual(4);
  });

  it('does not let one process push out what it wrote itself', async () => {
    const cache = await openContentCache(folder, 10_000, 'test program');
    for (let i = 0; i < 8; i++) cache.put(`entry ${i}`, bytes(2000, i));
    await cache.settled();
    expect(await cache.get('entry 0')).toBeDefined();
    expect(cache.counts).toMatchObject({ written: 2, lost: 6 });
  });

  it('takes one entry of any size when none waits', async () => {
    const cache = await openContentCache(folder, 1e9, 'test program');
    const large = new Uint8Array(257 * 2 ** 20).fill(3);
    cache.put('large', large);
    cache.put('behind it', bytes(10, 1));
    await cache.settled();
    expect(cache.counts).toMatchObject({ written: 1, lost: 1 });
    expect((await cache.get('large'))?.byteLength).toBe(large.byteLength);
  });

  it('loses the entry, not the run, where it cannot write', async () => {
    const cache = await openContentCache(join(folder, 'file', 'below'), 1e6, 'test program');
    await rm(folder, { recursive: true });
    await writeFile(folder, 'a file in the place of the folder');
    cache.put('a', bytes(10, 1));
    await cache.settled();
    expect(cache.counts.lost).toBe(1);
  });

  it('removes temporary files of processes long gone, and leaves those of living ones', async () => {
    await writeFile(join(folder, 'old.1.aaaaaaaa.tmp'), 'x');
    await writeFile(join(folder, 'new.1.bbbbbbbb.tmp'), 'x');
    const hours = new Date(Date.now() - 7_200_000);
    await utimes(join(folder, 'old.1.aaaaaaaa.tmp'), hours, hours);
    await openContentCache(folder, 1e6, 'test program');
    expect(await readdir(folder)).toEqual(['new.1.bbbbbbbb.tmp']);
  });

  it('never shows half an entry, with several writers killed at any moment', async () => {
    const module = new URL('../../../runner/io/content-cache.ts', import.meta.url).href;
    const program = `
      const { openContentCache } = await import(${JSON.stringify(module)});
      const cache = await openContentCache(${JSON.stringify(folder)}, 1e8, "test program");
      for (let i = 0; ; i = (i + 1) % 4) {
        cache.put('shared ' + i, new Uint8Array(300_000).fill(i + 1));
        await cache.settled();
      }`;
    const writers = [0, 1, 2].map(() =>
      spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'ignore' }),
    );
    try {
      const reader = await openContentCache(folder, 1e8, 'test program');
      let seen = 0;
      for (let round = 0; seen < 40 && round < 3_000; round++) {
        const key = round % 4;
        const found = await reader.get(`shared ${key}`);
        if (found) {
          seen++;
          expect(found).toEqual(bytes(300_000, key + 1));
        }
        await setTimeout(5);
        if (seen === 20) writers[0]!.kill('SIGKILL');
      }
      expect(seen).toBe(40);
      expect(reader.counts.damaged).toBe(0);
    } finally {
      for (const writer of writers) writer.kill('SIGKILL');
    }
  });

  it('remembers structured values', async () => {
    const cache = await openContentCache(folder, 1e6, 'test program');
    const value = { a: Float64Array.of(1, 2), b: [{ c: 'd' }] };
    let made = 0;
    const make = () => {
      made++;
      return value;
    };
    expect(await remembered(cache, 'x', make)).toEqual(value);
    await cache.settled();
    expect(await remembered(cache, 'x', make)).toEqual(value);
    expect(await remembered(undefined, 'x', make)).toBe(value);
    expect(made).toBe(2);
  });
});
