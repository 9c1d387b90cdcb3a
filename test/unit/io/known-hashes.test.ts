import { createHash } from 'node:crypto';
import { copyFileSync, renameSync } from 'node:fs';
import { appendFile, mkdtemp, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { UnavailableError } from '../../../runner/errors.ts';
import { openKnownHashes } from '../../../runner/io/known-hashes.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-hashes-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const sha256 = (text: string | Uint8Array): string => createHash('sha256').update(text).digest('hex');
/** Long after the files were written, and everything is worth remembering and saying. */
const later = { smallest: 1, worthSaying: 1, now: () => Date.now() + 3_600_000 };

/** Hashes of files by a new process, and how many bytes it read for them. */
async function read(kept: string | null, paths: readonly string[], options = later) {
  let bytes = 0;
  const hashes = await openKnownHashes(kept, options).of(
    paths.map((path) => ({ path, algorithm: 'sha256' as const })),
    { onProgress: (done) => (bytes = done) },
  );
  return { hashes, bytes };
}

test('a file is read once, by any number of processes, until it changes', async () => {
  const [a, b, kept] = ['a', 'b', 'hashes.json'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const time = new Date('2026-01-01T00:00:00Z');
  await writeFile(a, 'first');
  await utimes(a, time, time);
  await writeFile(b, 'second');
  expect(await read(kept, [a])).toEqual({ hashes: [sha256('first')], bytes: 5 });
  expect(await read(kept, [b, a])).toEqual({ hashes: [sha256('second'), sha256('first')], bytes: 6 });
  expect(await read(kept, [a, b])).toEqual({ hashes: [sha256('first'), sha256('second')], bytes: 0 });
  // Another content of the same length, with the old time put back: the time of the change itself cannot be.
  await writeFile(a, 'FIRST');
  await utimes(a, time, time);
  expect(await read(kept, [a, b])).toEqual({ hashes: [sha256('FIRST'), sha256('second')], bytes: 5 });
  // Another file in its place.
  await rename(b, a);
  expect((await read(kept, [a])).hashes).toEqual([sha256('second')]);
  expect(await readFile(kept, 'utf8')).not.toContain(folder);
});

test('a file that changed just now is read again: it may change again at the same time', async () => {
  const [path, kept] = [join(folder, 'young'), join(folder, 'young.json')];
  await writeFile(path, 'young');
  const soon = { ...later, now: Date.now };
  expect((await read(kept, [path], soon)).bytes).toBe(5);
  expect((await read(kept, [path], soon)).bytes).toBe(5);
  await openKnownHashes(kept, soon).note(path, { algorithm: 'sha256', hex: sha256('young') });
  expect((await read(kept, [path], soon)).bytes).toBe(0);
});

test('hashes that become known at the same time are all kept', async () => {
  const names = ['p', 'q', 'r', 's'];
  const [paths, kept] = [names.map((name) => join(folder, name)), join(folder, 'together.json')];
  const known = openKnownHashes(kept, later);
  await Promise.all(paths.map((path, i) => writeFile(path, names[i]!)));
  await Promise.all(
    paths.map((path, i) => known.note(path, { algorithm: 'sha256', hex: sha256(names[i]!) })),
  );
  expect(await read(kept, paths)).toEqual({ hashes: names.map(sha256), bytes: 0 });
});

test('kept hashes that are damaged are as good as none', async () => {
  const [path, kept] = [join(folder, 'x'), join(folder, 'damaged.json')];
  await writeFile(path, 'x');
  for (const text of [
    '',
    '{',
    'null',
    '{"version":1,"hashes":{"a":{"sha256":7}}}',
    '{"version":2,"hashes":{}}',
  ]) {
    await writeFile(kept, text);
    expect(await read(kept, [path])).toEqual({ hashes: [sha256('x')], bytes: 1 });
    expect(await read(kept, [path])).toEqual({ hashes: [sha256('x')], bytes: 0 });
  }
  // Where nothing can be kept, the file is read every time.
  const nowhere = join(path, 'no folder', 'hashes.json');
  for (const _ of [1, 2]) expect(await read(nowhere, [path])).toEqual({ hashes: [sha256('x')], bytes: 1 });
});

test('progress counts what has to be read, and a change meanwhile is noticed', async () => {
  const path = join(folder, 'large');
  await writeFile(path, Buffer.alloc(5 << 20));
  const seen: [number, number][] = [];
  const known = openKnownHashes(null, later);
  await known.of([{ path, algorithm: 'sha256' }], { onProgress: (...each) => seen.push(each) });
  expect(seen.map(([done]) => done)).toEqual([1, 2, 3, 4, 5].map((each) => each << 20));
  expect(new Set(seen.map(([, total]) => total))).toEqual(new Set([5 << 20]));
  const writing = openKnownHashes(null, later).of([{ path, algorithm: 'sha256' }], {
    onProgress: () => void appendFile(path, 'x'),
  });
  await expect(writing).rejects.toThrow(UnavailableError);
  await expect(writing).rejects.toThrow(/changed while it was read/);
  // Another process that puts the same file there, in one step, costs one more reading.
  let replaced = false;
  const hashes = await openKnownHashes(null, later).of([{ path, algorithm: 'sha256' }], {
    onProgress: () => {
      if (replaced) return;
      replaced = true;
      copyFileSync(path, `${path}.new`);
      renameSync(`${path}.new`, path);
    },
  });
  expect(replaced).toBe(true);
  expect(hashes).toEqual([sha256(await readFile(path))]);
  await expect(known.of([{ path: join(folder, 'none'), algorithm: 'sha256' }])).rejects.toThrow(
    UnavailableError,
  );
});
