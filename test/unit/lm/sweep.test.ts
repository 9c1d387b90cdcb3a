import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../../runner/lm/checkpoint.ts';
import type { LanguageModel, TokenBatch } from '../../../runner/lm/language-model.ts';
import type { Observer } from '../../../runner/lm/observer.ts';
import { openLanguageModel } from '../../../runner/lm/open-language-model.ts';
import { memoryStore } from '../../../runner/lm/residual-store.ts';
import { type SweepOptions, sweep } from '../../../runner/lm/sweep.ts';
import { Stopped } from '../../../runner/reporter.ts';
import { HALF_STEP } from './golden.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/lm/', import.meta.url));
const hooks = [0, 1];
const silent = { progress: () => undefined, note: () => undefined, stopRequested: () => false };

/** Rows of 9 tokens, 2 + 1 + 2 of them. */
const batches: TokenBatch[] = [2, 1, 2].map((rows, b) => ({
  ids: Int32Array.from({ length: rows * 9 }, (_, i) => (i * 37 + b * 11 + 5) % 101),
  rows,
  tokens: 9,
}));

async function open(divergence = false): Promise<LanguageModel> {
  return openLanguageModel(await openCheckpoint(`${fixtures}llama`), { hooks, divergence });
}

const half = (x: Float32Array): Float32Array => x.map((value) => value / 2);

/** All a sweep shows and ends in: residuals and losses by name. */
async function recorded(
  model: LanguageModel,
  { divergence = false, ...options }: Partial<SweepOptions> & { divergence?: boolean } = {},
): Promise<Map<string, Float32Array>> {
  const found = new Map<string, Float32Array>();
  const once = (name: string, values: Float32Array): void => {
    expect(found.has(name)).toBe(false);
    found.set(name, values.slice());
  };
  const observer: Observer = {
    divergence,
    async see({ hook, index, residual }) {
      once(`x${hook} of ${index}`, residual);
      return [half(residual), residual.slice()].map((each, i) => ({
        residual: each,
        ended({ nll, kl }) {
          once(`nll ${i} from ${hook} of ${index}`, nll);
          if (kl !== undefined) once(`kl ${i} from ${hook} of ${index}`, kl);
        },
      }));
    },
    seen: (hook) => [
      {
        vector: new Float32Array(model.dModel).fill(0.5),
        ended(nll) {
          for (const [index, each] of nll.entries()) once(`constant from ${hook} of ${index}`, each);
        },
      },
    ],
    clean: (index, _batch, nll) => once(`clean of ${index}`, nll),
  };
  await sweep(model, batches, [observer], { reporter: silent, ...options });
  return found;
}

describe('a sweep', () => {
  it('gives what the model gives batch by batch', async () => {
    const model = await open();
    const found = await recorded(model);
    expect(found.size).toBe(batches.length * (hooks.length * 4 + 1));
    for (const [index, batch] of batches.entries()) {
      const residuals = await model.residuals(batch);
      for (const [hook, x] of residuals.entries()) {
        expect(found.get(`x${hook} of ${index}`)).toEqual(x);
        expect(found.get(`nll 0 from ${hook} of ${index}`)).toEqual(await model.losses(hook, half(x), batch));
        expect(found.get(`nll 1 from ${hook} of ${index}`)).toEqual(await model.losses(hook, x, batch));
        const vector = new Float32Array(model.dModel).fill(0.5);
        expect(found.get(`constant from ${hook} of ${index}`)).toEqual(
          (await model.lossesOfConstant(hook, vector, batches))[index],
        );
      }
      expect(found.get(`clean of ${index}`)).toEqual(await model.losses(1, residuals[1]!, batch));
    }
    await model.close();
  });

  it.each([2, 3])('gives the same with %i batches together', async (together) => {
    const model = await open();
    expect(await recorded(model, { together })).toEqual(await recorded(model));
    await model.close();
  });

  it.each([1, 3])('compares branches with the clean model by KL, %i together', async (together) => {
    const model = await open(true);
    const found = await recorded(model, { together, divergence: true });
    for (const [index, batch] of batches.entries()) {
      const x = (await model.residuals(batch))[0]!;
      const clean = await model.finalResidual(0, x, batch);
      const { kl } = await model.divergences(0, half(x), clean, batch);
      expect(found.get(`kl 0 from 0 of ${index}`)).toEqual(kl);
      expect(Math.max(...kl)).toBeGreaterThan(1e-3);
      // Of the clean residual itself: differences of log-probabilities, each at most log V and a few roundings off.
      const rounding = 8 * Math.log(model.vocabulary) * HALF_STEP;
      expect(Math.max(...found.get(`kl 1 from 0 of ${index}`)!.map(Math.abs))).toBeLessThanOrEqual(rounding);
    }
    await model.close();
  });

  it('ends at the last hook when nothing goes on from there, and leaves nothing in the store', async () => {
    const model = await open();
    const run: number[] = [];
    const watched: LanguageModel = {
      ...model,
      advance(segment, residual, batch) {
        run.push(segment);
        return model.advance(segment, residual, batch);
      },
      finish: () => Promise.reject(new Error('the last segment ran')),
    };
    const kept = new Set<string>();
    const store = memoryStore();
    await sweep(watched, batches, [{ see: async () => [] }], {
      reporter: silent,
      together: 3,
      store: {
        ...store,
        async put(key, residual) {
          kept.add(key);
          await store.put(key, residual);
        },
        take(key) {
          kept.delete(key);
          return store.take(key);
        },
      },
    });
    expect(run).toEqual([0, 0, 0, 1, 1, 1]);
    expect(kept.size).toBe(0);
    await model.close();
  });

  it.each([1, 5])('shows each observer its own batches, of its own width, %i together', async (together) => {
    const model = await open(true);
    const wide: TokenBatch = { ids: Int32Array.from({ length: 24 }, (_, i) => i + 3), rows: 2, tokens: 12 };
    const all = [...batches, wide];
    const seen: string[] = [];
    const ablated: Float32Array[] = [];
    const ends: { kl?: Float32Array | undefined; nll: Float32Array }[] = [];
    const first: Observer = {
      part: { from: 0, to: batches.length },
      see: async ({ hook, index, batch }) => {
        seen.push(`${hook} ${index} ${batch.tokens}`);
        return [];
      },
      seen: () => [{ vector: new Float32Array(model.dModel), ended: (nll) => void ablated.push(...nll) }],
    };
    const second: Observer = {
      part: { from: batches.length, to: all.length },
      divergence: true,
      see: async ({ hook, index, batch, residual }) => {
        seen.push(`other ${hook} ${index} ${batch.tokens}`);
        return hook === 0 ? [{ residual: half(residual), ended: (ending) => void ends.push(ending) }] : [];
      },
    };
    await sweep(model, all, [first, second], { reporter: silent, together });
    expect(seen.filter((each) => each.startsWith('other'))).toEqual(['other 0 0 12', 'other 1 0 12']);
    expect(seen.filter((each) => !each.startsWith('other')).toSorted()).toEqual(
      hooks.flatMap((hook) => batches.map((_, index) => `${hook} ${index} 9`)),
    );
    expect(ablated.map((nll) => nll.length)).toEqual([18, 9, 18, 18, 9, 18]);
    const x = (await model.residuals(wide))[0]!;
    const expected = await model.divergences(0, half(x), await model.finalResidual(0, x, wide), wide);
    expect(ends).toEqual([expected]);
    await model.close();
  });

  it('stops when it is asked to, and counts every token once', async () => {
    const model = await open();
    const seen: [number, number][] = [];
    let calls = 0;
    const reporter = { ...silent, progress: (done: number, total: number) => seen.push([done, total]) };
    await sweep(model, batches, [{ see: async () => [] }], { reporter, together: 2 });
    expect(seen.at(-1)).toEqual([45, 45]);
    expect(seen.filter(([done, total]) => done === total)).toHaveLength(1);
    const stopping = { ...silent, stopRequested: () => ++calls > 2 };
    await expect(sweep(model, batches, [{ see: async () => [] }], { reporter: stopping })).rejects.toThrow(
      Stopped,
    );
    await model.close();
  });
});
