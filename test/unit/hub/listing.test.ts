/** Names that a user gives, and what a hub that means harm answers to them. */
import { readdir } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { download } from '../../../runner/hub/download.ts';
import { pinReference } from '../../../runner/hub/repository.ts';
import { CONTENTS } from '../../hub/contents.ts';
import { on, secret, TOKEN, withBench } from '../../hub/open.ts';

describe('names', () => {
  test.each([
    [
      'o/missing',
      /o\/missing: found no repository of that name, or a private one.*Check the name.*set HF_TOKEN/,
    ],
    ['datasets/o/n', /datasets\/o\/n: found no repository/],
    ['o/n@nope', /o\/n@nope: found no such revision/],
    ['o/n:nope.txt', /no "nope\.txt".*See http/],
    ['o/secret', /o\/secret: found no repository of that name, or a private one/],
    ['o/gated', /gated.*Accept the licence at .*then create a token.*set HF_TOKEN/],
  ])('%s without a token', (text, says) =>
    withBench(async ({ hub, server }) => {
      server.put('o/n', CONTENTS);
      server.put('o/secret', CONTENTS);
      server.put('o/gated', CONTENTS);
      server.find('model', 'o/secret')!.private = true;
      server.find('model', 'o/gated')!.gated = true;
      await expect(download(hub, { reference: on(text) })).rejects.toThrow(says);
    }),
  );

  test('a missing repository with a token is told apart from a bad token', () =>
    withBench(async ({ with: change }) => {
      const missing = download(change({ token: secret }), { reference: on('o/missing') });
      await expect(missing).rejects.toThrow(/HTTP 404.*token of an account that may read it/);
    }));

  test('revisions are pinned to the commit and remembered', () =>
    withBench(async ({ hub, server, with: change }) => {
      const commit = server.put('o/n', CONTENTS, { type: 'dataset', branch: 'refs/pr/1' });
      const reference = on('datasets/o/n@refs/pr/1');
      expect(await pinReference(hub, reference)).toEqual({ ...reference, commit });
      await download(hub, { reference, paths: ['config.json'] });
      server.requests.length = 0;
      expect((await pinReference(change({ offline: true }), reference)).commit).toBe(commit);
      expect((await pinReference(hub, { ...reference, revision: commit })).commit).toBe(commit);
      expect(server.requests).toEqual([]);
    }));
});

describe('a hostile hub', () => {
  test.each([
    { path: '../../../escape' },
    { path: '/etc/cron.d/x' },
    { path: 'a\\..\\b' },
    { path: 'C:x' },
    { path: 'x'.repeat(300) },
    { path: `sub/${'é'.repeat(128)}` },
    { path: 'config.json' },
    { path: 'config.json/inside' },
    { path: 'sub/deep' },
    { path: 'ok.txt', size: -1 },
    { path: 'ok.txt', oid: '../../x' },
    { path: 'ok.txt', lfs: { oid: '../x', size: 1, pointerSize: 1 } },
  ])('a listing with %o is refused and nothing is written', (entry) =>
    withBench(async ({ hub, server }) => {
      server.put('o/n', CONTENTS);
      server.extraEntries.set('o/n', [{ type: 'file', size: 1, oid: 'a'.repeat(40), ...entry }]);
      await expect(download(hub, { reference: on('o/n') })).rejects.toThrow(
        /answer of the hub .*Check HF_ENDPOINT/,
      );
      await expect(readdir(hub.settings.cacheFolder)).rejects.toThrow(/ENOENT/);
    }),
  );

  test('pages are followed; an endless listing is ended', () =>
    withBench(async ({ hub, server }) => {
      server.put('o/n', CONTENTS);
      server.pageSize = 2;
      expect((await download(hub, { reference: on('o/n') })).files).toHaveLength(5);
      const commit = server.put('o/n', { 'x.txt': { text: 'x' } });
      const link = `<${server.url}/api/models/o/n/tree/${commit}?again=1>; rel="next"`;
      const does = { kind: 'status' as const, status: 200, headers: { link }, body: '[]' };
      server.faults.push({ on: '/tree/', times: Number.POSITIVE_INFINITY, does });
      await expect(download(hub, { reference: on('o/n') })).rejects.toThrow(/more than 2000 pages/);
    }));

  test('neither a page nor a file elsewhere is asked for with the token', () =>
    withBench(async ({ server, with: change }) => {
      server.put('o/n', { 'small.txt': { text: 'small' } });
      const link = `<${server.cdnUrl}/tree>; rel="next"`;
      const does = { kind: 'status' as const, status: 200, headers: { link }, body: '[]' };
      server.faults.push({ on: '/tree/', times: 1, does });
      await download(change({ token: secret }), { reference: on('o/n') }).catch(() => undefined);
      const elsewhere = server.requests.filter(({ host }) => host === 'cdn');
      expect(elsewhere.map(({ authorization }) => authorization)).toEqual([null]);
    }));

  test('a message that repeats the token is shown without it', () =>
    withBench(async ({ server, with: change }) => {
      server.put('o/n', CONTENTS);
      const headers = { 'x-error-message': `no right for ${TOKEN}` };
      server.faults.push({ on: '/revision/', times: 1, does: { kind: 'status', status: 403, headers } });
      const failing = download(change({ token: secret }), { reference: on('o/n') });
      await expect(failing).rejects.toThrow('no right for [token]');
    }));
});
