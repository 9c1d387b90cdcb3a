import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { resolveRun } from '../../../../runner/config/resolve.ts';
import { demoModelFolder } from '../../../../runner/demo/index.ts';
import type { SweepAsks } from '../../../../runner/evaluation/asks.ts';
import { openContentCache } from '../../../../runner/io/content-cache.ts';
import { suiteContexts } from '../../../../runner/job/evaluation/suite-contexts.ts';
import { suites } from '../../../../runner/suites/index.ts';
import { loadTokenizer } from '../../../../runner/text/tokenizer.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-contexts-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const silent = { progress() {}, note() {}, stopRequested: () => false };

it('keeps results apart by suite, draws and probe seed, whatever a suite’s own key says', async () => {
  const tokenizer = await loadTokenizer(demoModelFolder);
  const cache = await openContentCache(folder, 1e6, 'test program');
  const found = async (suite: number, ...set: string[]): Promise<string> => {
    const contexts = suiteContexts({
      config: await resolveRun(['small-world-quick'], { set }),
      tokenizer,
      reading: silent,
      hooks: [],
      // Nothing is asked of a sweep here.
      asks: {} as SweepAsks,
      controls: true,
      cached: { cache, identity: 'model' },
      readings: [],
      batches: [],
      effects: () => Promise.reject(new Error('not asked for here')),
      nearest: () => Promise.reject(new Error('not asked for here')),
    });
    const value = await contexts
      .of(suites[suite]!)
      .remember('the same key', () => `${suite} ${set.join(' ')}`);
    await cache.settled();
    return value;
  };
  for (const set of [[], ['evaluation.resamples=37'], ['evaluation.seed=5'], ['evaluation.probeSeed=6']]) {
    for (const suite of [0, 1]) expect(await found(suite, ...set)).toBe(`${suite} ${set.join(' ')}`);
  }
  // A setting that decides none of it: the kept result.
  expect(await found(0, 'evaluation.tokens=4096')).toBe('0 ');
});
