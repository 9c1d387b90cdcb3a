import { afterEach, expect, it, vi } from 'vitest';
import { loadIndex, matching } from '../../../../site/islands/sae-search.ts';
import { columnsFrom } from '../explorer/sample.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

it('the list of SAEs is fetched once, and again after a failure', async () => {
  const answers = [
    () => Promise.reject(new Error('offline')),
    async () => new Response('', { status: 404 }),
    async () => Response.json(columnsFrom([{ name: 'A' }])),
  ];
  const fetch = vi.fn(() => answers.shift()!());
  vi.stubGlobal('fetch', fetch);
  await expect(loadIndex()).rejects.toThrow('offline');
  await expect(loadIndex()).rejects.toThrow('the server answered 404');
  expect((await loadIndex()).map(({ id }) => id)).toEqual(['a']);
  expect(await loadIndex()).toHaveLength(1);
  // What a record does not say, such as k, is no word to find it by.
  const found = (query: string) => loadIndex().then((all) => matching(all, query, []).length);
  expect(await Promise.all(['l0 4096', 'null'].map(found))).toEqual([1, 0]);
  expect(fetch).toHaveBeenCalledTimes(3);
});
