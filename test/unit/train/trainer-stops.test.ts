/** What a trainer refuses, and what stops it. */
import { describe, expect, test } from 'vitest';
import { MalformedError, UserError } from '../../../runner/errors.ts';
import { hookOf } from '../../../runner/hook.ts';
import type { StepResult, TrainingBackend } from '../../../runner/train/backends/backend.ts';
import { graphBackend } from '../../../runner/train/backends/graph.ts';
import { referenceBackend } from '../../../runner/train/backends/reference.ts';
import { gaussians, smallRecipe, sparseActivations } from './support.ts';
import { activations, copied, d_in, LAYERS, open, plans } from './trainer-case.ts';

describe('a batch of tokens that differ by rounding alone', () => {
  /** One activation of the usual size, again and again, each number off by a few units in the last place. */
  const alike = (): Map<string, Float32Array> => {
    const token = sparseActivations(1, d_in, 40, 7);
    const noise = gaussians(64 * d_in, 'rounding');
    const x = noise.map((value, i) => token[i % d_in]! * (1 + 1e-6 * value));
    return new Map(LAYERS.map((layer) => [`L${layer}`, x]));
  };

  test('is trained on, and says nothing about the variance explained', async () => {
    const trainer = await open(graphBackend({ threads: 1 }));
    const [before] = await trainer.step(activations(0));
    const [after] = await trainer.step(alike());
    expect(after!.var_exp).toBe(before!.var_exp);
    expect(after!.step).toBe(before!.step! + 2);
    await trainer.step(activations(1));
    await trainer.close();
  });

  test('stops training where the error is beyond the scale of the activations too', async () => {
    const trainer = await open(graphBackend({ threads: 1 }));
    const saved = copied(await trainer.state());
    await trainer.close();
    for (const [i, value] of saved.saes.get('L0')!.optimiser.parameters.W_dec.entries())
      saved.saes.get('L0')!.optimiser.parameters.W_dec[i] = 1e3 * value;
    const blown = await open(graphBackend({ threads: 1 }), { resume: saved });
    await expect(blown.step(alike())).rejects.toThrow(/training of L0 at step 1: .* times the variance/);
    await blown.close();
  });
});

describe('a loss that is no number, or has blown up', () => {
  test.each<[string, Partial<StepResult>, string]>([
    ['NaN', { mse: Number.NaN }, 'found loss NaN, auxiliary loss 0, gradient norm'],
    ['an infinite gradient', { gradientNorm: Number.POSITIVE_INFINITY }, 'gradient norm Infinity'],
    ['an infinite sparsity loss', { sparsityLoss: Number.POSITIVE_INFINITY }, 'sparsity loss Infinity'],
    [
      'a huge loss',
      { mse: 4_000, errorSquares: 2e6, centredSquares: 1_000 },
      'a loss of 4.00e+3, 2.00e+3 times',
    ],
  ])('stops training, names SAE and step, and leaves no state to save: %s', async (_, bad, found) => {
    const backend: TrainingBackend = {
      ...referenceBackend,
      async init(recipe, width, state) {
        const session = await referenceBackend.init(recipe, width, state);
        let steps = 0;
        return {
          ...session,
          async step(x, controls) {
            steps += 1;
            const result = await session.step(x, controls);
            return steps === 5 && recipe.removeParallelGradient ? { ...result, ...bad } : result;
          },
        };
      },
    };
    const trainer = await open(backend);
    for (let pass = 0; pass < 2; pass++) await trainer.step(activations(pass));
    const failure = await trainer.step(activations(2)).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(UserError);
    expect((failure as Error).message).toMatch(/^training of L2 at step 5: found .* Lower learningRate/);
    expect((failure as Error).message).toContain(found);
    await expect(trainer.step(activations(0))).rejects.toBe(failure);
    await expect(trainer.state()).rejects.toBe(failure);
    await trainer.close();
  });

  test('weights that really are NaN are noticed', async () => {
    const trainer = await open(graphBackend({ threads: 1 }));
    const saved = copied(await trainer.state());
    await trainer.close();
    saved.saes.get('L0')!.optimiser.parameters.W_dec[3] = Number.NaN;
    const resumed = await open(graphBackend({ threads: 1 }), { resume: saved });
    await expect(resumed.step(activations(0))).rejects.toThrow(/^training of L0 at step 1: found loss NaN/);
    await resumed.close();
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY])(
    '%s among the activations is told apart',
    async (value) => {
      const trainer = await open(graphBackend({ threads: 1 }));
      await trainer.step(activations(0));
      const broken = activations(1);
      broken.get('L2')![37] = value;
      const failure = await trainer.step(broken).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(MalformedError);
      expect((failure as Error).message).toMatch(
        /activations of layer 2 at training step \d+: found NaN, infinity/,
      );
      await trainer.close();
    },
  );
});

test('a state of other plans is refused', async () => {
  const trainer = await open(referenceBackend);
  const saved = copied(await trainer.state());
  await trainer.close();
  const changed = plans.map((plan, i) =>
    i === 2 ? { ...plan, recipe: smallRecipe({ removeParallelGradient: true, k: 5 }) } : plan,
  );
  const resume = { resume: saved };
  await expect(open(referenceBackend, resume, { plans: changed })).rejects.toThrow(
    /checkpoint of SAE L2: found another recipe or hook/,
  );
  await expect(open(referenceBackend, resume, { plans: plans.slice(1) })).rejects.toThrow(UserError);
  const moved = plans.map((plan) => ({ ...plan, hook: hookOf(2) }));
  await expect(open(referenceBackend, resume, { plans: moved })).rejects.toThrow(/SAE L0: found another/);
});

test('wrong use is refused before anything moves', async () => {
  const trainer = await open(referenceBackend);
  await expect(trainer.step(new Map([['L0', activations(0).get('L0')!]]))).rejects.toThrow(
    'no activations of layer 2 for L2',
  );
  expect(trainer.tokens).toBe(0);
  expect((await trainer.saes())[0]!.steps).toBe(0);
  await expect(open(referenceBackend, undefined, { plans: [plans[0]!, plans[0]!] })).rejects.toThrow(
    RangeError,
  );
  await expect(open(referenceBackend, { samples: new Map() })).rejects.toThrow(/no activations of layer 0/);
  await trainer.close();
  const odd = await open(referenceBackend);
  const short = new Map(LAYERS.map((layer) => [`L${layer}`, sparseActivations(40, d_in, 40, 1)]));
  await expect(odd.step(short)).rejects.toThrow(
    'a pass of 40 tokens, expected a multiple of batchTokens = 32',
  );
  await odd.close();
});
