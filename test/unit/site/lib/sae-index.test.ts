import { afterEach, expect, it, vi } from 'vitest';
import { loadIndex } from '../../../../site/islands/sae-search.ts';
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
  expect(fetch).toHaveBeenCalledTimes(3);
});
