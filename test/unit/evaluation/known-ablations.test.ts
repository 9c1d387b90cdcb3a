/** Losses of zero and mean ablation are computed once for a model, a text and a hook, and are the same to the bit from the cache. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { demoModelFolder } from '../../../runner/demo/index.ts';
import { knownAblations } from '../../../runner/evaluation/known-ablations.ts';
import { type CachedResults, type HookSaes, observe } from '../../../runner/evaluation/observation.ts';
import { observeTokens } from '../../../runner/evaluation/token-pass.ts';
import { hookOf, type Place } from '../../../runner/hook.ts';
import { openContentCache } from '../../../runner/io/content-cache.ts';
import { openCheckpoint } from '../../../runner/lm/checkpoint.ts';
import { hookWidth, type LanguageModel, type TokenBatch } from '../../../runner/lm/language-model.ts';
import { openLanguageModel } from '../../../runner/lm/open-language-model.ts';
import { silent, stageReporter } from '../../../runner/reporter.ts';
import { openSae } from '../../../runner/sae/open-sae.ts';
import { randomSae } from '../sae/support.ts';

const TOKENS = 24;
let folder: string;
let demo: LanguageModel;
const places = [hookOf({ layer: 1, site: 'mlp_out' }), hookOf(2)];
const batches = [1, 2].map(
  (seed): TokenBatch => ({
    ids: Int32Array.from({ length: 4 * TOKENS }, (_, i) => (seed * 97 + i * i * 31) % 500),
    rows: 4,
    tokens: TOKENS,
  }),
);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ablations-'));
  demo = await openLanguageModel(await openCheckpoint(demoModelFolder), { hooks: places, threads: 1 });
});
afterAll(async () => {
  await demo.close();
  await rm(folder, { recursive: true, force: true });
});

async function measured(
  cached: CachedResults | undefined,
  seed: number,
  beside?: number,
  at: readonly Place[] = places,
  model: LanguageModel = demo,
) {
  let finished = 0;
  const counting: LanguageModel = {
    ...model,
    finish(residual, batch) {
      finished++;
      return model.finish(residual, batch);
    },
    endings(asked) {
      finished++;
      return model.endings(asked);
    },
    finishForAll(residual, each) {
      finished++;
      return model.finishForAll(residual, each);
    },
  };
  const hooks: HookSaes[] = [];
  for (const place of at) {
    const d = hookWidth(model, place);
    hooks.push({ ...place, d, saes: [await openSae(randomSae(d, 40, 4, { seed }), { threads: 1 })] });
  }
  const known = await knownAblations(hooks, batches, cached);
  const observation = observeTokens(hooks, batches, null, [], true, known);
  await observe(
    counting,
    [observation],
    async () => ({
      reporter: stageReporter('test', 'tokens', silent),
      ...(beside === undefined ? {} : { beside }),
    }),
    hooks,
  );
  const found = observation.result();
  await cached?.cache.settled();
  for (const { saes } of hooks) for (const sae of saes) await sae.close();
  return { losses: found.map(({ losses }) => losses![0]!), finished };
}

it('takes no pass where they are known, and another for other text or another model', async () => {
  const cache = await openContentCache(folder, 2 ** 20, 'test program');
  const kept = { cache, identity: 'test' };
  const without = await measured(undefined, 1);
  // Clean and the SAEs' own of two batches, zero and mean: of both batches inside the block, of one row after it.
  expect(without.finished).toBe(2 * (1 + 2) + 2 * 2 + 2);
  // Where what stands beside the hook may not be kept, they take a pass of their own, with the same numbers.
  expect((await measured(undefined, 1, 1_000)).losses).toEqual(without.losses);
  expect(await measured(kept, 1)).toEqual(without);
  const again = await measured(kept, 1);
  expect(again.losses).toEqual(without.losses);
  expect(again.finished).toBe(2 * (1 + 2));
  // Of another SAE at the same hooks too.
  const other = await measured(kept, 2);
  expect(other.finished).toBe(2 * (1 + 2));
  expect(other.losses.map(({ zero, mean }) => [zero, mean])).toEqual(
    without.losses.map(({ zero, mean }) => [zero, mean]),
  );
  expect(other.losses[0]!.sae).not.toEqual(without.losses[0]!.sae);
  expect((await measured({ cache, identity: 'another model' }, 1)).finished).toBe(without.finished);
});

it('an SAE and a transcoder that reconstruct one hook share its ablations', async () => {
  const [sae, after] = places as [Place, Place];
  const transcoder = { ...sae, reads: hookOf({ layer: 1, site: 'mlp_in' }) };
  const hooks = [...places, transcoder.reads];
  const model = await openLanguageModel(await openCheckpoint(demoModelFolder), { hooks, threads: 1 });
  const alone = await measured(undefined, 1, undefined, [sae, after], model);
  const both = await measured(undefined, 1, undefined, [sae, transcoder, after], model);
  // One more reconstruction of each batch, and no ablation.
  expect(both.finished).toBe(alone.finished + 2);
  const [first, second] = both.losses;
  expect([second!.zero, second!.mean]).toEqual([first!.zero, first!.mean]);
  expect([first, both.losses[2]]).toEqual(alone.losses);
  const kept = {
    cache: await openContentCache(join(folder, 'shared'), 2 ** 20, 'test program'),
    identity: 'x',
  };
  expect(await measured(kept, 1, undefined, [sae, transcoder, after], model)).toEqual(both);
  const again = await measured(kept, 1, undefined, [sae, transcoder, after], model);
  expect(again.losses).toEqual(both.losses);
  expect(again.finished).toBe(2 * (1 + 3));
  await model.close();
});

it('a hook’s own tensor goes on apart from what travels beside it as in one array with it', async () => {
  const model = demo;
  const [batch] = batches as [TokenBatch, TokenBatch];
  const from = model.segments.findIndex(({ hook }) => hook === 0);
  const given = await model.advance(from, null, batch);
  const { value: width, beside } = model.widths[from]!;
  const length = (given.length / (width + beside)) * width;
  const whole = await model.endings({ from, residual: given, batch });
  const going = { from, value: given.slice(0, length), residual: given.subarray(length), batch };
  expect(await model.endings(going)).toEqual(whole);
  const other = { ...going, value: new Float32Array(length) };
  expect((await model.endings(other)).nll).not.toEqual(whole.nll);
  await expect(model.endings({ ...going, value: other.value.fill(Number.NaN) })).rejects.toThrow(/NaN/);
});
