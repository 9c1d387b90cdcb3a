import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { MalformedError, UnavailableError } from '../../../runner/errors.ts';
import { download } from '../../../runner/hub/download.ts';
import { upload } from '../../../runner/hub/upload.ts';
import { type Bench, noise, on, secret, withBench } from '../../hub/open.ts';

/* What a hub, or whatever stands in its place, may answer with status 200. */

const BODIES: readonly [string, string, RegExp][] = [
  ['a page', '<!doctype html><title>Sign in</title>', /found a page \("<!doctype html>/],
  ['nothing', '', /found nothing/],
  ['half of an answer', '{"sha": "ab', /found no JSON/],
  ['null', 'null', /"it" is wrong|it is wrong/],
  ['a number', '7', /is wrong/],
  ['text', '"ok"', /is wrong/],
  ['a list with null in it', '[null]', /is wrong/],
  ['an object', '{}', /is wrong/],
];
const LISTS = [['a list', '[]', /is wrong/]] as const;
const ALWAYS = Number.POSITIVE_INFINITY;

async function failure({ hub, server }: Bench, where: string, body: string, paths?: string[]) {
  server.put('o/n', { 'small.txt': { text: 'small' } });
  const headers = { 'content-type': 'text/html' };
  server.faults.push({ on: where, times: ALWAYS, does: { kind: 'status', status: 200, headers, body } });
  const before = server.requests.length;
  const error = await download(hub, { reference: on('o/n'), paths }).catch((each: unknown) => each);
  return { error, asked: server.requests.slice(before).filter(({ address }) => address.includes(where)) };
}

describe('answers of another kind', () => {
  test.each([
    ...['/revision/', '/tree/', '/paths-info/'].flatMap((where) =>
      BODIES.map((each) => [where, ...each] as const),
    ),
    ...LISTS.map((each) => ['/revision/', ...each] as const),
  ])('%s: %s', (where, _name, body, says) =>
    withBench(async (bench) => {
      const paths = where === '/paths-info/' ? ['small.txt'] : undefined;
      const { error, asked } = await failure(bench, where, body, paths);
      expect(error).toBeInstanceOf(MalformedError);
      expect(String(error)).toMatch(says);
      expect(String(error)).toMatch(/answer of the hub about o\/n@.*Check HF_ENDPOINT/);
      // It comes back every time: it is not asked for again.
      expect(asked).toHaveLength(1);
      expect(bench.waits).toEqual([]);
    }),
  );

  test('a page in place of a file is not taken for it, whatever its length', () =>
    withBench(async ({ hub, server }) => {
      server.put('o/n', { 'small.txt': { text: 'small' } });
      for (const body of ['<!doctype html>', 'a pag']) {
        server.faults.length = 0;
        server.faults.push({ on: 'small.txt', times: ALWAYS, does: { kind: 'status', status: 200, body } });
        const failing = download(hub, { reference: on('o/n') });
        await expect(failing).rejects.toThrow(/listed.*3 attempts.*Check HF_ENDPOINT.*sign-in page/);
      }
    }));

  test.each(
    ['/revision/', '/repos/create', '/preupload/', '/objects/batch', '/commit/'].flatMap((where) =>
      [...BODIES, ...LISTS].map(([name, body, says]) => [where, name, body, says] as const),
    ),
  )('upload, %s: %s', (where, _name, body, says) =>
    withBench(async ({ server, with: change }) => {
      const hub = change({ token: secret });
      const source = join(hub.settings.cacheFolder, 'big.bin');
      await mkdir(hub.settings.cacheFolder, { recursive: true });
      await writeFile(source, noise(20_000));
      server.put('o/n', { 'small.txt': { text: 'small' } });
      server.faults.push({ on: where, times: ALWAYS, does: { kind: 'status', status: 200, body } });
      const files = [{ path: 'big.bin', source }];
      const request = { reference: on('o/n'), files, title: 'x', create: { private: true } };
      const error = await upload(hub, request).catch((each: unknown) => each);
      // Whether a commit was carried out the branch says: it is asked, and then the commit is tried again.
      expect(error).toBeInstanceOf(where === '/commit/' ? UnavailableError : MalformedError);
      expect(String(error)).toMatch(says);
      if (where === '/commit/') expect(String(error)).toMatch(/the branch has not moved/);
      expect(server.find('model', 'o/n')!.commits.size).toBe(2);
    }),
  );

  test('an answer to the batch about other objects than those asked for', () =>
    withBench(async ({ server, with: change }) => {
      const hub = change({ token: secret });
      const source = join(hub.settings.cacheFolder, 'big.bin');
      await mkdir(hub.settings.cacheFolder, { recursive: true });
      await writeFile(source, noise(20_000));
      server.put('o/n', { 'small.txt': { text: 'small' } });
      const body = JSON.stringify({ transfer: 'basic', objects: [{ oid: 'f'.repeat(64), size: 1 }] });
      server.faults.push({ on: '/batch', times: ALWAYS, does: { kind: 'status', status: 200, body } });
      const failing = upload(hub, { reference: on('o/n'), files: [{ path: 'big.bin', source }], title: 'x' });
      await expect(failing).rejects.toThrow(MalformedError);
      await expect(failing).rejects.toThrow(/cannot be read .*Unrequested object/);
    }));
});

describe('addresses with a user name or password', () => {
  const hostile = 'http://user:pa55word@127.0.0.1:9/x';

  test.each(['small.txt', '/revision/', '/tree/'])(
    'a redirect of %s is neither shown nor tried again',
    (where) =>
      withBench(async ({ hub, server, waits }) => {
        server.put('o/n', { 'small.txt': { text: 'small' } });
        server.faults.push({ on: where, times: ALWAYS, does: { kind: 'redirect', to: hostile } });
        const error = await download(hub, { reference: on('o/n') }).catch((each: unknown) => each);
        expect(error).toBeInstanceOf(UnavailableError);
        expect(String(error)).toMatch(/a redirect .* with a user name or password in it/);
        expect(inspect(error, { depth: 20 })).not.toMatch(/pa55word|user:/);
        expect(waits).toEqual([]);
        expect(server.requests.filter(({ address }) => address.includes(where))).toHaveLength(1);
      }),
  );

  test.each([hostile, 'file:///etc/passwd', 'not an address'])('the next page of a listing at %s', (next) =>
    withBench(async ({ hub, server, waits }) => {
      server.put('o/n', { 'small.txt': { text: 'small' } });
      const headers = { link: `<${next}>; rel="next"` };
      server.faults.push({
        on: '/tree/',
        times: 1,
        does: { kind: 'status', status: 200, headers, body: '[]' },
      });
      const error = await download(hub, { reference: on('o/n') }).catch((each: unknown) => each);
      expect(error).toBeInstanceOf(MalformedError);
      expect(inspect(error, { depth: 20 })).not.toContain('pa55word');
      expect(waits).toEqual([]);
    }),
  );
});

test('names as long as a disk holds them are held, longer ones are not', () =>
  withBench(async ({ hub, server }) => {
    const longest = {
      [`${'x'.repeat(251)}.txt`]: { text: 'x' },
      [`${'é'.repeat(125)}/a.txt`]: { text: 'y' },
    };
    server.put('o/n', longest);
    const { folder, files } = await download(hub, { reference: on('o/n') });
    expect(files).toHaveLength(2);
    expect((await readdir(folder)).sort()).toEqual([`${'x'.repeat(251)}.txt`, 'é'.repeat(125)].sort());
  }));

test('what stands in the way of a file in the cache is one line', () =>
  withBench(async ({ hub, server }) => {
    const commit = server.put('o/n', { 'a/b.txt': { text: 'x' } });
    await mkdir(join(hub.settings.cacheFolder, 'models--o--n', 'snapshots', commit), { recursive: true });
    await writeFile(join(hub.settings.cacheFolder, 'models--o--n', 'snapshots', commit, 'a'), '');
    const failing = download(hub, { reference: on('o/n') });
    await expect(failing).rejects.toThrow(UnavailableError);
    await expect(failing).rejects.toThrow(/found E(EXIST|NOTDIR).*remove what stands in the way/);
  }));
