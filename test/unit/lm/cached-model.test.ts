import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ContentCache, openContentCache } from '../../../runner/io/content-cache.ts';
import { cachedModel } from '../../../runner/lm/cached-model.ts';
import { openCheckpoint } from '../../../runner/lm/checkpoint.ts';
import type { LanguageModel, TokenBatch } from '../../../runner/lm/language-model.ts';
import type { Observer } from '../../../runner/lm/observer.ts';
import { openLanguageModel } from '../../../runner/lm/open-language-model.ts';
import { sweep } from '../../../runner/lm/sweep.ts';

const llama = fileURLToPath(new URL('../../fixtures/lm/llama', import.meta.url));
const reporter = { progress: () => undefined, note: () => undefined, stopRequested: () => false };
const batches: TokenBatch[] = [1, 2].map((rows, b) => ({
  ids: Int32Array.from({ length: rows * 9 }, (_, i) => (i * 37 + b * 11 + 5) % 101),
  rows,
  tokens: 9,
}));

let model: LanguageModel;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-cached-model-'));
  model = await openLanguageModel(await openCheckpoint(llama), { hooks: [0, 1] });
});
const caches: ContentCache[] = [];
async function openCache(): Promise<ContentCache> {
  const cache = await openContentCache(folder, 1e8, 'test program');
  caches.push(cache);
  return cache;
}
afterAll(async () => {
  // A cache writes beside the work: what is under way would be in the way of removing its folder.
  for (const cache of caches) await cache.settled();
  await model.close();
  await rm(folder, { recursive: true, force: true });
});

/** Every number a sweep gives; `scale` is what the SAE of the branch does to the residual. */
async function swept(with_: LanguageModel, scale: number): Promise<number[]> {
  const found: number[] = [];
  const observer: Observer = {
    async see({ residual }) {
      found.push(...residual);
      return [{ residual: residual.map((value) => scale * value), ended: ({ nll }) => found.push(...nll) }];
    },
    seen: () => [
      {
        vector: new Float32Array(model.dModel),
        ended: (nll) => found.push(...nll.flatMap((each) => [...each])),
      },
    ],
    clean: (_index, _batch, nll) => found.push(...nll),
  };
  await sweep(with_, batches, [observer], { reporter });
  return found;
}

/** The model, counting its runs. */
function counted(): { model: LanguageModel; runs: () => number } {
  let runs = 0;
  return {
    model: {
      ...model,
      async advance(...args) {
        runs++;
        return model.advance(...args);
      },
      async finish(...args) {
        runs++;
        return model.finish(...args);
      },
    },
    runs: () => runs,
  };
}

describe('a language model that remembers clean text', () => {
  it('gives the same numbers, and runs only what a new SAE needs the second time', async () => {
    const cache = await openCache();
    const first = counted();
    expect(await swept(cachedModel(first.model, cache, 'x'), 0.5)).toEqual(await swept(model, 0.5));
    await cache.settled();
    const second = counted();
    expect(await swept(cachedModel(second.model, await openCache(), 'x'), 0.25)).toEqual(
      await swept(model, 0.25),
    );
    // Clean: two segments and the end, for each of two batches.
    expect(second.runs()).toBe(first.runs() - 2 * 3);
  });

  it('keeps nothing for another model, other text or another cut', async () => {
    const cache = await openCache();
    await swept(cachedModel(model, cache, 'x'), 0.5);
    await cache.settled();
    const { hits } = cache.counts;
    await swept(cachedModel(model, cache, 'y'), 0.5);
    expect(cache.counts.hits).toBe(hits);
    const other = await openLanguageModel(await openCheckpoint(llama), { hooks: [1] });
    try {
      await swept(cachedModel(other, cache, 'x'), 0.5);
    } finally {
      await other.close();
    }
    expect(cache.counts.hits).toBe(hits);
  });
});
