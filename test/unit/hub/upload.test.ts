import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { planUpload, type UploadProgress, type UploadRequest, upload } from '../../../runner/hub/upload.ts';
import type { Mishap } from '../../hub/faults.ts';
import { type Bench, noise, on, secret, TOKEN, withBench } from '../../hub/open.ts';

const BIG = noise(300_000);
const SMALL = Buffer.from('small ünïcode\n');

/** A bench with a repository, a token that may write, and two files to send. */
function withFiles(use: (bench: Bench, request: UploadRequest) => Promise<void>): Promise<void> {
  return withBench(async (bench) => {
    const folder = join(bench.hub.settings.cacheFolder, 'run');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'big.bin'), BIG);
    await writeFile(join(folder, 'small.txt'), SMALL);
    bench.server.put('o/n', { 'README.md': { text: 'before' } });
    const files = [
      { path: 'weights/big.bin', source: join(folder, 'big.bin') },
      { path: 'small #1.txt', source: join(folder, 'small.txt') },
    ];
    const hub = bench.with({ token: secret });
    await use({ ...bench, hub }, { reference: on('o/n'), files, title: 'A release' });
  });
}

/** Files of the branch as they are on the stand-in. */
function contents(
  { server }: Bench,
  name = 'o/n',
  type: 'model' | 'space' = 'model',
): Record<string, Buffer> {
  const repository = server.find(type, name)!;
  const tree = repository.commits.get(repository.refs.get('main')!)!;
  return Object.fromEntries([...tree].map(([path, { bytes }]) => [path, bytes]));
}

const SENT = { 'README.md': Buffer.from('before'), 'weights/big.bin': BIG, 'small #1.txt': SMALL };
const puts = ({ server }: Bench) => server.requests.filter(({ method }) => method === 'PUT').length;
const commits = ({ server }: Bench) => server.find('model', 'o/n')!.commits.size;

describe('upload', () => {
  test('small and large files become one commit; the token goes to the hub alone', () =>
    withFiles(async (bench, request) => {
      const seen: UploadProgress[] = [];
      const result = await upload(bench.hub, { ...request, onProgress: (each) => seen.push(each) });
      expect(contents(bench)).toEqual(SENT);
      expect(result).toMatchObject({ commit: bench.server.find('model', 'o/n')!.refs.get('main'), files: 2 });
      expect(commits(bench)).toBe(3);
      expect(seen.at(-1)).toBeDefined();
      expect(seen.filter(({ path }) => path === 'weights/big.bin').at(-1)?.fraction).toBe(1);
      for (const { host, authorization } of bench.server.requests)
        expect(authorization).toBe(host === 'hub' ? `Bearer ${TOKEN}` : null);
    }));

  test('large files go in parts where the hub asks for parts', () =>
    withFiles(async (bench, request) => {
      bench.server.partBytes = 100_000;
      await upload(bench.hub, request);
      expect(puts(bench)).toBe(3);
      expect(contents(bench)).toEqual(SENT);
    }));

  test('files are removed in the same commit, by name or by folder, where they are there', () =>
    withFiles(async (bench, request) => {
      await upload(bench.hub, { ...request, remove: ['nowhere/', 'gone.txt'] });
      expect(contents(bench)).toEqual(SENT);
      const remove = ['weights/', 'README.md', 'gone.txt'];
      await upload(bench.hub, { ...request, files: request.files.slice(1), remove });
      expect(contents(bench)).toEqual({ 'small #1.txt': SMALL });
    }));

  test('a folder that is removed keeps what is sent into it', () =>
    withFiles(async (bench, request) => {
      bench.server.put('o/n', { 'weights/big.bin': { text: 'old' }, 'weights/old.bin': { text: 'old' } });
      await upload(bench.hub, { ...request, remove: ['weights/'] });
      expect(contents(bench)).toEqual(SENT);
    }));

  test('a commit whose answer is lost counts as done only when the files to remove are gone too', () =>
    withFiles(async (bench, request) => {
      bench.server.faults.push({ on: '/commit/', method: 'POST', times: 1, does: { kind: 'lost' } });
      const before = commits(bench);
      await upload(bench.hub, { ...request, remove: ['README.md'] });
      const { 'README.md': _, ...rest } = SENT;
      expect(contents(bench)).toEqual(rest);
      expect(commits(bench)).toBe(before + 1);
    }));

  test('what the hub has is not sent again', () =>
    withFiles(async (bench, request) => {
      await upload(bench.hub, request);
      bench.server.requests.length = 0;
      await upload(bench.hub, request);
      expect(puts(bench)).toBe(0);
    }));

  test('a repository is made where there is none, and taken where there is one', () =>
    withFiles(async (bench, request) => {
      const create = { private: true };
      await upload(bench.hub, { ...request, reference: on('spaces/o/new'), create });
      expect(bench.server.find('space', 'o/new')).toMatchObject({ private: true });
      expect(Object.keys(contents(bench, 'o/new', 'space'))).toEqual(['weights/big.bin', 'small #1.txt']);
      await upload(bench.hub, { ...request, create });
      expect(contents(bench)).toEqual(SENT);
    }));

  test('a dry run lists what would be sent and asks nothing', () =>
    withFiles(async (bench, request) => {
      const planned = await planUpload(request);
      expect(planned.map(({ path, bytes }) => [path, bytes])).toEqual([
        ['weights/big.bin', BIG.length],
        ['small #1.txt', SMALL.length],
      ]);
      expect(planned[0]!.sha256).toMatch(/^[0-9a-f]{64}$/);
      expect(bench.server.requests).toEqual([]);
    }));

  test.each([
    ['../escape', /file name/],
    ['small #1.txt', /the name twice/],
  ])('the name %s is refused before anything is sent', (path, says) =>
    withFiles(async (bench, request) => {
      const files = [...request.files, { path, source: request.files[0]!.source }];
      await expect(upload(bench.hub, { ...request, files })).rejects.toThrow(says);
      expect(bench.server.requests).toEqual([]);
    }),
  );

  test('a pull request leaves the branch where it is, and asks for the change beside it', () =>
    withFiles(async (bench, request) => {
      const before = contents(bench);
      const { url, files } = await upload(bench.hub, { ...request, pullRequest: true });
      expect({ url, files }).toEqual({ url: `${bench.server.url}/o/n/discussions/1`, files: 2 });
      expect(contents(bench)).toEqual(before);
      const repository = bench.server.find('model', 'o/n')!;
      const asked = repository.commits.get(repository.refs.get('refs/pr/1')!)!;
      expect([...asked.keys()].sort()).toEqual(Object.keys(SENT).sort());
    }));

  test('one whose answer is lost is not asked for twice', () =>
    withFiles(async (bench, request) => {
      bench.server.faults.push({ on: '/commit/', times: 1, does: { kind: 'lost' } });
      await expect(upload(bench.hub, { ...request, pullRequest: true })).rejects.toThrow(
        /Look whether it was opened, at .*\/o\/n\/discussions/,
      );
      expect(bench.server.find('model', 'o/n')!.refs.has('refs/pr/2')).toBe(false);
    }));

  test('offline nothing is sent', () =>
    withFiles(async (bench, request) => {
      const offline = bench.with({ token: secret, offline: true });
      await expect(upload(offline, request)).rejects.toThrow(/HF_HUB_OFFLINE/);
      await expect(upload(offline, { ...request, create: { private: true } })).rejects.toThrow(
        /HF_HUB_OFFLINE/,
      );
      expect(bench.server.requests).toEqual([]);
    }));

  test('without a token nothing is sent', () =>
    withFiles(async (bench, request) => {
      await expect(upload(bench.with({ token: null }), request)).rejects.toThrow(/no token.*set HF_TOKEN/);
      expect(bench.server.requests).toEqual([]);
    }));
});

const ALWAYS = Number.POSITIVE_INFINITY;
const status = (code: number, headers = {}): Mishap => ({ kind: 'status', status: code, headers });

describe('fault table of uploads', () => {
  test.each<[string, string, string, number, Mishap, number]>([
    ['storage answers 500', 'cdn/uploads', 'PUT', 1, status(500), 2],
    ['large file cut', 'cdn/uploads', 'PUT', 1, { kind: 'cut', after: 0 }, 2],
    ['large file stored, answer lost', 'cdn/uploads', 'PUT', 1, { kind: 'lost' }, 2],
    ['429 on the batch', '/objects/batch', 'POST', 1, status(429, { 'retry-after': '2' }), 1],
    ['preupload lost', '/preupload/', 'POST', 1, { kind: 'lost' }, 1],
    ['429 on the commit', '/commit/', 'POST', 1, status(429), 1],
    ['500 on the commit, not carried out', '/commit/', 'POST', 1, status(500), 1],
    ['commit carried out, answer lost', '/commit/', 'POST', 1, { kind: 'lost' }, 1],
  ])('%s: complete, once', (_name, where, method, times, does, sent) =>
    withFiles(async (bench, request) => {
      bench.server.faults.push({ on: where, method, times, does });
      const result = await upload(bench.hub, request);
      expect(contents(bench)).toEqual(SENT);
      expect(commits(bench)).toBe(3);
      expect(result.commit).toBe(bench.server.find('model', 'o/n')!.refs.get('main'));
      expect(puts(bench)).toBe(sent);
    }),
  );

  test.each<[string, string, Mishap, RegExp]>([
    ['commit fails always', '/commit/', status(503), /HTTP 503.*6 attempts.*branch has not moved/],
    ['storage fails always', 'cdn/uploads', status(500), /HTTP 500.*6 attempts/],
    ['no right to write', '/preupload/', status(403), /permission/],
  ])('%s: an error, the branch stays as it was', (_name, where, does, says) =>
    withFiles(async (bench, request) => {
      bench.server.faults.push({ on: where, times: ALWAYS, does });
      const error = await upload(bench.hub, request).catch((each: unknown) => each);
      expect(String(error)).toMatch(says);
      expect(inspect(error, { depth: 20, showHidden: true })).not.toContain(TOKEN);
      expect(commits(bench)).toBe(2);
    }),
  );

  test('a commit on a branch that has moved is refused', () =>
    withFiles(async (bench, request) => {
      const before: typeof fetch = (input, init) => {
        if (String(input).includes('/preupload/'))
          bench.server.put('o/n', { 'other.txt': { text: 'theirs' } });
        return fetch(input, init);
      };
      const failing = upload({ ...bench.hub, fetch: before }, request);
      await expect(failing).rejects.toThrow(/HTTP 412: "A commit has happened since/);
      expect(Object.keys(contents(bench))).toEqual(['README.md', 'other.txt']);
    }));

  test('a commit of somebody else while the answer was lost is told apart from ours', () =>
    withFiles(async (bench, request) => {
      bench.server.faults.push({ on: '/commit/', method: 'POST', times: 1, does: status(500) });
      const meanwhile: typeof fetch = async (input, init) => {
        const response = await fetch(input, init);
        if (String(input).includes('/commit/')) bench.server.put('o/n', { 'other.txt': { text: 'theirs' } });
        return response;
      };
      const failing = upload({ ...bench.hub, fetch: meanwhile }, request);
      await expect(failing).rejects.toThrow(/the branch went from .* meanwhile/);
      expect(Object.keys(contents(bench))).toEqual(['README.md', 'other.txt']);
    }));
});
