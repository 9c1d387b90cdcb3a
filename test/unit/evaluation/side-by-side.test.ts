/**
 * SAEs that lie on several devices, as on one: sessions that run aside on the CPU, as on CUDA, stand for those of another device. What
 * differs is when each is computed, and beside which.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { demoModelFolder } from '../../../runner/demo/index.ts';
import { sweepAsks } from '../../../runner/evaluation/asks.ts';
import { controlPass } from '../../../runner/evaluation/control-pass.ts';
import { type HookSaes, type Observation, observe } from '../../../runner/evaluation/observation.ts';
import { sharedEncoding } from '../../../runner/evaluation/shared-encoding.ts';
import { observeTokens } from '../../../runner/evaluation/token-pass.ts';
import { openCheckpoint } from '../../../runner/lm/checkpoint.ts';
import type { LanguageModel, TokenBatch } from '../../../runner/lm/language-model.ts';
import { openLanguageModel } from '../../../runner/lm/open-language-model.ts';
import { random } from '../../../runner/math/random.ts';
import type { Device } from '../../../runner/onnx/devices.ts';
import { type OpenSae, openSae } from '../../../runner/sae/open-sae.ts';
import { randomSae } from '../sae/support.ts';

const TOKENS = 24;
const HOOKS = [1, 3];
const silent = { progress: () => undefined, note: () => undefined, stopRequested: () => false };

let model: LanguageModel;
beforeAll(async () => {
  model = await openLanguageModel(await openCheckpoint(demoModelFolder), {
    hooks: HOOKS,
    maxTokens: TOKENS,
    divergence: true,
  });
});
afterAll(() => model?.close());

const stream = random('side by side');
const drawn = (count: number): number[] => Array.from({ length: count }, () => stream.integer(400));
const text = Array.from({ length: 4 }, () => drawn(3 * TOKENS));
const batches = text.map(
  (ids): TokenBatch => ({
    ids: Int32Array.from(ids),
    rows: 3,
    tokens: TOKENS,
    documents: Int32Array.of(0, 1, 1),
  }),
);
const texts = Array.from({ length: 6 }, (_, i) => ({ ids: drawn(8 + i) }));

/** Most that is being computed at a time. */
let most = 0;
let now = 0;

function counted<Given extends unknown[], Result>(ask: (...given: Given) => Promise<Result>) {
  return async (...given: Given): Promise<Result> => {
    most = Math.max(most, ++now);
    return ask(...given).finally(() => now--);
  };
}

/** Everything that an evaluation observes. @param devices of the SAEs of a hook */
async function measured(devices: readonly Device[]): Promise<unknown> {
  most = 0;
  const hooks: HookSaes[] = [];
  for (const hook of model.hooks) {
    const saes: OpenSae[] = [];
    for (const [i, device] of devices.entries()) {
      const sae = randomSae(model.dModel, 48 + 16 * i, 6, { seed: 10 * hook.layer + i });
      const open = await openSae(sae, { threads: 1, aside: device !== 'cpu' });
      const { encode, decode, reconstruct } = open;
      saes.push(
        sharedEncoding({
          ...open,
          device,
          encode: counted(encode),
          decode: counted(decode),
          reconstruct: counted(reconstruct),
        }),
      );
    }
    hooks.push({ ...hook, d: model.dModel, saes });
  }
  const controls = controlPass(hooks, batches, {
    tokens: 3 * TOKENS,
    seed: 0,
    hashes: hooks.map(({ layer }) => devices.map((_, i) => `${layer} ${i}`)),
    threads: 1,
  })!;
  const asks = sweepAsks(hooks, undefined, controls);
  const seen: unknown[] = [];
  const ended: unknown[] = [];
  asks.heldOut(({ hook, encoded }) => seen.push([hook, encoded.map(({ values }) => values.slice())]));
  asks.ablated({
    share: 1,
    without: ({ encoded: { k, rows, tokens, indices } }) =>
      Int32Array.from({ length: rows }, (_, row) => indices[row * tokens * k]!),
    ended: ({ row, ...which }) => ended.push([which, { ...row, without: row.without.slice() }]),
  });
  const visits: unknown[] = [];
  asks.visit(texts, ({ hook, text, latents }) =>
    visits.push([hook, text, latents.map(({ indices }) => indices.slice())]),
  );
  const pooled = asks.pooled(texts, { residual: true, untrained: true });
  const one = asks.tokenOf(texts, ({ ids }) => ids.length - 1);
  const spliced = await asks.spliced(batches.slice(0, 2), new Set([3]));
  const packed = observeTokens(hooks, batches, controls.observer, asks.heldOutObservers);
  await observe(
    model,
    [packed as Observation<unknown>, ...asks.observations],
    async () => ({ reporter: silent }),
    hooks,
  );
  const result = {
    tokens: packed.result(),
    controls: controls.measured(),
    seen,
    ended,
    visits,
    others: hooks.map((_, hook) => [
      pooled.at(hook).latents,
      [...(pooled.at(hook).untrained ?? [])].map(([sae, { latents }]) => [sae, latents]),
      one.at(hook),
      spliced.tables.at(hook),
    ]),
  };
  await controls.close();
  for (const { saes } of hooks) for (const sae of saes) await sae.close();
  return result;
}

test('all that is measured of SAEs on several devices is the same to the bit, and computed at the same time', async () => {
  const alone = await measured(['cpu', 'cpu', 'cpu']);
  expect(most).toBe(1);
  const spread = await measured(['cuda:0', 'cuda:1', 'cuda:0']);
  expect(most).toBe(2);
  expect(spread).toEqual(alone);
  expect(await measured(['cuda:2', 'cuda:1', 'cuda:0'])).toEqual(alone);
  expect(most).toBe(3);
});
