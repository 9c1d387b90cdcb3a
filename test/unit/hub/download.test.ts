import { lstat, mkdir, readdir, readFile, readlink, rm, utimes, writeFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { describe, expect, test } from 'vitest';
import { blobPath, repositoryFolder } from '../../../runner/hub/cache.ts';
import { type DownloadProgress, download } from '../../../runner/hub/download.ts';
import { openKnownHashes } from '../../../runner/io/known-hashes.ts';
import { shortHash, thisMachine } from '../../../runner/io/process-identity.ts';
import { BIG, CONTENTS } from '../../hub/contents.ts';
import { type Bench, noise, on, withBench } from '../../hub/open.ts';
import { storedFile } from '../../hub/repositories.ts';
import { linksAreMade, NO_LINKS } from '../../links.ts';

/** The cache's files below the repository's folder, links with their target. */
async function layout(folder: string): Promise<string[]> {
  const lines: string[] = [];
  for (const name of (await readdir(folder, { recursive: true })).sort()) {
    const found = await lstat(join(folder, name));
    if (found.isSymbolicLink())
      lines.push(`${name} -> ${await readlink(join(folder, name))}`.replaceAll(sep, '/'));
    else if (!found.isDirectory()) lines.push(name.replaceAll(sep, '/'));
  }
  return lines;
}

const fileAddresses = ({ server }: Bench) =>
  server.requests.filter(({ address }) => /resolve|objects/.test(address)).map(({ address }) => address);

describe('the cache', () => {
  // The lines were compared with a folder that huggingface_hub 2.4.0 (Python) filled from the same stand-in.
  test('has the layout of huggingface_hub; equal contents are fetched once', (context) =>
    withBench(async ({ hub, server }) => {
      if (!(await linksAreMade())) context.skip(NO_LINKS);
      const commit = server.put('o/n', CONTENTS);
      const result = await download(hub, { reference: on('o/n') });
      expect(result.fetchedBytes).toBe(BIG.length + 2 + 5);
      const { sha256 } = storedFile(CONTENTS['model.safetensors']);
      expect(await layout(join(hub.settings.cacheFolder, 'models--o--n'))).toEqual(
        [
          `blobs/${sha256}`,
          'blobs/9e26dfeeb6e641a33dae4961196235bdb965b21b',
          'blobs/b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0',
          'blobs/e69de29bb2d1d6434b8b29ae775ad8c2e48c5391',
          'refs/main',
          `snapshots/${commit}/config.json -> ../../blobs/9e26dfeeb6e641a33dae4961196235bdb965b21b`,
          `snapshots/${commit}/empty.txt -> ../../blobs/e69de29bb2d1d6434b8b29ae775ad8c2e48c5391`,
          `snapshots/${commit}/model.safetensors -> ../../blobs/${sha256}`,
          `snapshots/${commit}/same.bin -> ../../blobs/${sha256}`,
          `snapshots/${commit}/sub/deep/a.txt -> ../../../../blobs/b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0`,
          `trees/${commit}.json`,
        ].sort(),
      );
      expect(await readFile(join(hub.settings.cacheFolder, 'models--o--n/refs/main'), 'utf8')).toBe(commit);
    }));

  test('what is there is not fetched again, under a new commit either', () =>
    withBench(async (bench) => {
      const { hub, server } = bench;
      server.put('o/n', CONTENTS);
      await download(hub, { reference: on('o/n') });
      server.put('o/n', { 'new.txt': { text: 'new' } });
      server.requests.length = 0;
      const result = await download(hub, { reference: on('o/n') });
      expect(result.fetchedBytes).toBe(3);
      expect(fileAddresses(bench)).toHaveLength(1);
      expect(result.files).toHaveLength(6);
    }));

  test('files named at a pinned commit need no request at all', () =>
    withBench(async ({ hub, server }) => {
      const commit = server.put('o/n', CONTENTS);
      await download(hub, { reference: on('o/n') });
      server.requests.length = 0;
      const result = await download(hub, { reference: on(`o/n@${commit}:sub/deep/a.txt`) });
      expect(await readFile(result.files[0]!.file, 'utf8')).toBe('hello');
      expect(server.requests).toEqual([]);
    }));

  test('a damaged file is fetched again, whether its size or its contents are others', () =>
    withBench(async ({ hub, server, with: change }) => {
      const commit = server.put('o/n', CONTENTS);
      const { files } = await download(hub, { reference: on('o/n') });
      const [config, , model] = files;
      await writeFile(config!.file, '{} ');
      expect((await download(hub, { reference: on('o/n') })).fetchedBytes).toBe(2);
      for (const text of ['o/n', `o/n@${commit}:model.safetensors`]) {
        await writeFile(model!.file, noise(BIG.length, 2));
        const offline = download(change({ offline: true }), { reference: on(text) });
        await expect(offline).rejects.toThrow(
          /damaged in the cache: .*model\.safetensors.*Unset HF_HUB_OFFLINE/,
        );
        expect((await download(hub, { reference: on(text) })).fetchedBytes).toBe(BIG.length);
        expect(await readFile(model!.file)).toEqual(BIG);
      }
    }));

  test('what another program left damaged is noticed without a listing, by the name of its blob', () =>
    withBench(async ({ hub, server, with: change }) => {
      const commit = server.put('o/n', CONTENTS);
      const { files } = await download(hub, { reference: on('o/n') });
      await rm(join(repositoryFolder(hub.settings, on('o/n')), 'trees'), { recursive: true });
      await writeFile(files[0]!.file, '[]');
      const offline = download(change({ offline: true }), { reference: on(`o/n@${commit}`) });
      await expect(offline).rejects.toThrow(/damaged in the cache: "config\.json"/);
    }));

  test('plain files do not say their hash: the listing does, and without one they are named', () =>
    withBench(async ({ server, with: change }) => {
      const hub = change({ symlinks: false });
      const commit = server.put('o/n', CONTENTS);
      const { files } = await download(hub, { reference: on('o/n') });
      const reference = on(`o/n@${commit}:sub/deep/a.txt`);
      const { file } = files.at(-1)!;
      const unchecked: string[] = [];
      const onUnchecked = (paths: readonly string[]) => unchecked.push(...paths);
      const offline = change({ symlinks: false, offline: true });
      await writeFile(file, 'HELLO');
      await expect(download(offline, { reference, onUnchecked })).rejects.toThrow(/damaged in the cache/);
      await rm(join(repositoryFolder(hub.settings, on('o/n')), 'trees'), { recursive: true });
      await download(offline, { reference, onUnchecked });
      expect(unchecked).toEqual(['sub/deep/a.txt']);
      expect((await download(hub, { reference, onUnchecked })).fetchedBytes).toBe(5);
      expect(await readFile(file, 'utf8')).toBe('hello');
      expect(unchecked).toHaveLength(1);
    }));

  test('a file is read for its hash once, and again when it has changed', () =>
    withBench(async ({ server, with: change }) => {
      const hashes = openKnownHashes(null, { smallest: 1, worthSaying: 1, now: () => 0 });
      const hub = change({ hashes });
      server.put('o/n', CONTENTS);
      const checked: number[] = [];
      const again = () =>
        download(hub, { reference: on('o/n'), onCheck: (done, total) => checked.push(done, total) });
      const { files } = await again();
      await again();
      // The empty file alone is below what is remembered, and takes no reading.
      expect(checked).toEqual([]);
      await writeFile(files[2]!.file, BIG);
      await again();
      expect(checked.at(-1)).toBe(BIG.length);
      checked.length = 0;
      await again();
      expect(checked).toEqual([]);
    }));

  test('a name that Windows cannot keep is refused there before anything is fetched', () =>
    withBench(async ({ hub, server }) => {
      server.put('o/n', { 'aux.json': { text: '{}' } });
      const platform = Object.getOwnPropertyDescriptor(process, 'platform')!;
      Object.defineProperty(process, 'platform', { ...platform, value: 'win32' });
      try {
        await expect(download(hub, { reference: on('o/n') })).rejects.toThrow(
          /o\/n: file name: found "aux.json"/,
        );
      } finally {
        Object.defineProperty(process, 'platform', platform);
      }
      expect((await download(hub, { reference: on('o/n') })).fetchedBytes).toBe(2);
    }));

  test('where links are refused, files stand in the snapshot, no bytes twice', () =>
    withBench(async ({ server, with: change }) => {
      const hub = change({ symlinks: false });
      const commit = server.put('o/n', { a: { text: 'aa' }, b: { text: 'bb' } });
      await download(hub, { reference: on('o/n') });
      const names = [`snapshots/${commit}/a`, `snapshots/${commit}/b`];
      expect(await layout(repositoryFolder(hub.settings, on('o/n')))).toEqual([
        'refs/main',
        ...names,
        `trees/${commit}.json`,
      ]);
      server.requests.length = 0;
      expect((await download(hub, { reference: on('o/n') })).fetchedBytes).toBe(0);
    }));
});

describe('resuming', () => {
  const kept = noise(300_000).subarray(0, 123_456);

  test.each([
    ['.incomplete', true],
    // A program of this number that ran before, as in a container that was started again.
    [`.${shortHash(thisMachine.host)}-${process.pid}-0123456701234567.incomplete`, true],
    // A part of a program elsewhere, and of a program of another kind, belong to others.
    [`.00000000-${process.pid}-0123456701234567.incomplete`, false],
    ['.01234567.incomplete', false],
  ])('of a part named <hash>%s: %s', (ending, resumes) =>
    withBench(async ({ hub, server }) => {
      server.put('o/n', { 'big.bin': { text: BIG, lfs: true } });
      const blob = blobPath(hub.settings, on('o/n'), storedFile({ text: BIG }).sha256);
      await mkdir(join(blob, '..'), { recursive: true });
      await writeFile(`${blob}${ending}`, kept);
      const result = await download(hub, { reference: on('o/n') });
      expect(result.fetchedBytes).toBe(BIG.length - (resumes ? kept.length : 0));
      expect(server.requests.at(-1)!.range).toBe(`bytes=${resumes ? kept.length : 0}-299999`);
      expect(await readFile(result.files[0]!.file)).toEqual(BIG);
      const left = await readdir(join(blob, '..'));
      expect(left.length).toBe(resumes ? 1 : 2);
    }),
  );

  test('parts of other files that nobody came back for go after a week, links of killed processes at once', () =>
    withBench(async ({ hub, server }) => {
      const commit = server.put('o/n', { 'a.txt': { text: 'a' } });
      const folder = repositoryFolder(hub.settings, on('o/n'));
      const dead = `${shortHash(thisMachine.host)}-4194305-0123456789abcdef`;
      const [week, day, link, theirs] = [
        join(folder, 'blobs', `${'1'.repeat(64)}.${dead}.incomplete`),
        join(folder, 'blobs', `${'2'.repeat(64)}.${dead}.incomplete`),
        join(folder, 'snapshots', commit, `a.txt.${dead}.tmp`),
        join(folder, 'blobs', `${'3'.repeat(64)}.incomplete`),
      ] as const;
      for (const path of [week, day, link, theirs]) {
        await mkdir(join(path, '..'), { recursive: true });
        await writeFile(path, 'part');
        const then = Date.now() / 1000 - (path === day ? 1 : 8) * 24 * 3_600;
        await utimes(path, then, then);
      }
      await download(hub, { reference: on('o/n') });
      const left = await layout(folder);
      expect(left.filter((each) => each.includes('incomplete') || each.includes('.tmp'))).toEqual(
        [day, theirs].map((each) => each.slice(folder.length + 1)).sort(),
      );
    }));

  test('a part that is wrong, or too long, is thrown away', () =>
    withBench(async ({ hub, server }) => {
      server.put('o/n', { 'big.bin': { text: BIG, lfs: true } });
      const blob = blobPath(hub.settings, on('o/n'), storedFile({ text: BIG }).sha256);
      await mkdir(join(blob, '..'), { recursive: true });
      for (const wrong of [noise(1000, 9), noise(400_000, 9)]) {
        await writeFile(`${blob}.incomplete`, wrong);
        const result = await download(hub, { reference: on('o/n') });
        expect(await readFile(result.files[0]!.file)).toEqual(BIG);
        await rm(blob);
      }
    }));

  test('an abort keeps what has arrived', () =>
    withBench(async ({ hub, server }) => {
      server.put('o/n', { 'big.bin': { text: BIG, lfs: true } });
      server.faults.push({ on: 'cdn', times: 1, does: { kind: 'stall', after: 100_000 } });
      const stop = new AbortController();
      const onProgress = ({ bytes }: DownloadProgress) => bytes >= 100_000 && stop.abort(new Error('Ctrl-C'));
      const stopped = download(hub, { reference: on('o/n'), signal: stop.signal, onProgress });
      await expect(stopped).rejects.toThrow('Ctrl-C');
      const result = await download(hub, { reference: on('o/n') });
      expect(result.fetchedBytes).toBe(200_000);
    }));

  test('large files come in ranges of bounded length', () =>
    withBench(async ({ server, with: change }) => {
      server.put('o/n', { 'big.bin': { text: BIG, lfs: true } });
      const result = await download(change({ rangeBytes: 100_000 }), { reference: on('o/n') });
      expect(await readFile(result.files[0]!.file)).toEqual(BIG);
      const ranges = server.requests.filter(({ host }) => host === 'cdn').map(({ range }) => range);
      expect(ranges).toEqual(['bytes=0-99999', 'bytes=100000-199999', 'bytes=200000-299999']);
    }));
});

test('files come in parallel, no more than asked; progress ends at the total', () =>
  withBench(async ({ hub, server }) => {
    const shards = Object.fromEntries(
      Array.from({ length: 7 }, (_, i) => [`s${i}.bin`, { text: noise(50_000, i + 1), lfs: true }]),
    );
    server.put('o/n', shards);
    server.faults.push({ on: 'cdn', times: 7, does: { kind: 'drip', bytes: 25_000, everyMs: 15 } });
    let [running, most] = [0, 0];
    const counting: typeof fetch = async (input, init) => {
      if (!String(input).includes('/resolve/')) return fetch(input, init);
      most = Math.max(most, ++running);
      return fetch(input, init);
    };
    const seen: DownloadProgress[] = [];
    const onProgress = (progress: DownloadProgress) => {
      if (progress.filesDone > (seen.at(-1)?.filesDone ?? 0)) running--;
      seen.push(progress);
    };
    await download({ ...hub, fetch: counting }, { reference: on('o/n'), parallel: 3, onProgress });
    expect(most).toBe(3);
    expect(seen.at(-1)).toMatchObject({ bytes: 350_000, total: 350_000, filesDone: 7, files: 7 });
    for (const [i, { bytes }] of seen.entries())
      expect(bytes).toBeGreaterThanOrEqual(seen[i - 1]?.bytes ?? 0);
  }));

test('two downloads of one file at once both end well', () =>
  withBench(async ({ hub, server }) => {
    server.put('o/n', CONTENTS);
    const both = await Promise.all([1, 2].map(() => download(hub, { reference: on('o/n') })));
    for (const { files } of both) expect(await readFile(files[2]!.file)).toEqual(BIG);
    const left = await readdir(join(repositoryFolder(hub.settings, on('o/n')), 'blobs'));
    expect(left.filter((name) => name.endsWith('.incomplete'))).toEqual([]);
  }));

test('too little room is noticed before a byte is fetched; what is here already counts', () =>
  withBench(async (bench) => {
    const { hub, server } = bench;
    server.put('o/n', CONTENTS);
    const spare = 256 * 2 ** 20;
    const run = (free: number) => download(hub, { reference: on('o/n') }, async () => free);
    await expect(run(spare + BIG.length)).rejects.toThrow(/0\.27 GB free in .*HF_HUB_CACHE/);
    expect(fileAddresses(bench)).toEqual([]);
    const blob = blobPath(hub.settings, on('o/n'), storedFile({ text: BIG }).sha256);
    await mkdir(join(blob, '..'), { recursive: true });
    await writeFile(`${blob}.incomplete`, BIG.subarray(0, 100_000));
    await expect(run(spare + 200_006)).rejects.toThrow(/free in/);
    await run(spare + 200_007);
    await run(0);
  }));

describe('offline', () => {
  test('what is cached works, what is missing is named, nothing is asked', () =>
    withBench(async ({ hub, server, with: change }) => {
      const offline = change({ offline: true });
      server.put('o/n', CONTENTS);
      await expect(download(offline, { reference: on('o/n') })).rejects.toThrow(
        /not in the cache.*HF_HUB_OFFLINE/,
      );
      await download(hub, { reference: on('o/n'), paths: ['config.json', 'sub'] });
      server.requests.length = 0;
      const cached = await download(offline, { reference: on('o/n:sub') });
      expect(cached.files.map(({ path }) => path)).toEqual(['sub/deep/a.txt']);
      const missing = download(offline, { reference: on('o/n'), paths: ['config.json', 'same.bin', 'x'] });
      await expect(missing).rejects.toThrow(/no "x"|not in the cache: "same\.bin"/);
      const all = download(offline, { reference: on('o/n') });
      await expect(all).rejects.toThrow(/not in the cache: .*"model\.safetensors"/);
      await expect(download(offline, { reference: on('o/other') })).rejects.toThrow(/not in the cache/);
      expect(server.requests).toEqual([]);
    }));

  test('a snapshot that another program left without a listing is taken as it is', () =>
    withBench(async ({ hub, server, with: change }) => {
      const commit = server.put('o/n', CONTENTS);
      await download(hub, { reference: on('o/n') });
      await rm(join(repositoryFolder(hub.settings, on('o/n')), 'trees'), { recursive: true });
      const offline = change({ offline: true });
      const whole = await download(offline, { reference: on('o/n') });
      expect(whole.files.map(({ path }) => path)).toEqual(Object.keys(CONTENTS));
      expect(whole.reference.commit).toBe(commit);
      const missing = download(offline, { reference: on('o/n'), paths: ['sub', 'gone.txt'] });
      await expect(missing).rejects.toThrow(/not in the cache: "gone\.txt"/);
    }));
});
