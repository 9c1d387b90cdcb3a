import { describe, expect, test } from 'vitest';
import { MalformedError, UserError } from '../../../runner/errors.ts';
import { hookOf } from '../../../runner/hook.ts';
import { architectureNames } from '../../../runner/train/architectures/index.ts';
import type { StepControls, TrainingBackend } from '../../../runner/train/backends/backend.ts';
import { graphBackend } from '../../../runner/train/backends/graph.ts';
import { referenceBackend } from '../../../runner/train/backends/reference.ts';
import { sparseCpuBackend } from '../../../runner/train/backends/sparse-cpu/sparse-cpu.ts';
import {
  OVERFIT_STEPS,
  OVERFIT_TARGET,
  type OverfitResult,
  overfitOneBatch,
  overfitRecipe,
} from '../../../runner/train/overfit.ts';
import type { Recipe } from '../../../runner/train/recipe.ts';
import { smallRecipe, sparseActivations } from './support.ts';

const d_in = 16;

function overfit(
  recipe: Recipe,
  backend: TrainingBackend = graphBackend({ threads: 1 }),
  batch: Float32Array = sparseActivations(32, d_in, 30, 2),
): Promise<OverfitResult> {
  const samples = sparseActivations(64, d_in, 30, 1);
  return overfitOneBatch(backend, { id: 'L1', hook: hookOf(1), d_in, recipe }, { samples, batch });
}

/** A backend whose steps are given other controls than they were. */
function broken(change: (controls: StepControls) => StepControls): TrainingBackend {
  const whole = graphBackend({ threads: 1 });
  return {
    ...whole,
    init: async (...start) => {
      const session = await whole.init(...start);
      return {
        step: (x, controls) => session.step(x, change(controls)),
        state: () => session.state(),
        close: () => session.close(),
      };
    },
  };
}

describe('one batch is learned by heart', () => {
  const backends: [string, () => TrainingBackend][] = [
    ['graph', () => graphBackend({ threads: 1 })],
    ['sparse-cpu', () => sparseCpuBackend({ threads: 1 })],
    ['the reference', () => referenceBackend],
  ];
  test.each(backends)('on %s', async (_, backend) => {
    const { outcome, varExp, loss, steps, tokens } = await overfit(
      smallRecipe({ learningRate: 1e-2 }),
      backend(),
    );
    expect(outcome).toBe('learned');
    expect(varExp.first).toBeLessThan(0.8);
    expect(varExp.last).toBeGreaterThanOrEqual(OVERFIT_TARGET);
    expect(loss.last).toBeLessThan(0.1 * loss.first);
    expect(steps).toBeLessThan(OVERFIT_STEPS);
    expect(tokens).toBe(12);
  });

  test.each(architectureNames)('by %s', async (architecture) => {
    expect((await overfit(smallRecipe({ architecture, learningRate: 1e-2 }))).outcome).toBe('learned');
  });

  test('with the recipe’s own rate, after a short warm-up, on no more tokens than a quarter of the latents', () => {
    const recipe = smallRecipe({ warmupSteps: 20, decayStartStep: 21 });
    expect(overfitRecipe(recipe)).toEqual({
      ...recipe,
      batchTokens: 12,
      warmupSteps: 10,
      decay: 'none',
      decayStartStep: null,
    });
    expect(overfitRecipe(smallRecipe({ batchTokens: 8, warmupSteps: 0 }))).toMatchObject({
      batchTokens: 8,
      warmupSteps: 0,
    });
  });
});

describe('what cannot learn fails', () => {
  test('a learning rate of nothing: the loss does not move', async () => {
    const { outcome, steps, varExp } = await overfit({
      ...smallRecipe(),
      learningRate: 0,
      learningRateFloor: 0,
    });
    expect(outcome).toBe('flat');
    expect(steps).toBe(100);
    // The rows of W_dec are scaled to unit norm again, which rounds.
    expect(varExp.last).toBeCloseTo(varExp.first, 5);
  });

  test('one so small that nothing comes of it', async () => {
    expect((await overfit(smallRecipe({ learningRate: 1e-9, learningRateFloor: 0 }))).outcome).toBe('flat');
  });

  test.each([1, 1_000])('one absurdly high, %d: the loss does not fall', async (learningRate) => {
    const { outcome, loss } = await overfit({ ...smallRecipe({ gradientClip: 1e9 }), learningRate });
    expect(outcome).toBe('diverged');
    expect(loss.last < 0.5 * loss.first).toBe(false);
  });

  test('weights without bounds', async () => {
    const { outcome, steps } = await overfit({
      ...smallRecipe({ unitNormDecoder: false, gradientClip: 1e9 }),
      learningRate: 100,
    });
    expect(outcome).toBe('diverged');
    expect(steps).toBeLessThan(100);
  });

  test('steps that climb', async () => {
    const climbing = broken((controls) => ({ ...controls, learningRate: -controls.learningRate }));
    const { outcome, loss } = await overfit(smallRecipe({ learningRate: 1e-2 }), climbing);
    expect(outcome).toBe('diverged');
    expect(loss.last).toBeGreaterThan(loss.first);
  });

  // 2,000 steps.
  const time = { timeout: 120_000 };
  test('steps that stop: what was learned by then is not enough', time, async () => {
    let step = 0;
    const tiring = broken((controls) => ({
      ...controls,
      learningRate: step++ < 15 ? controls.learningRate : 0,
    }));
    const { outcome, steps, varExp } = await overfit(smallRecipe({ learningRate: 1e-2 }), tiring);
    expect(outcome).toBe('short');
    expect(steps).toBe(OVERFIT_STEPS);
    expect(varExp.last).toBeGreaterThan(varExp.first);
    expect(varExp.last).toBeLessThan(OVERFIT_TARGET);
  });
});

test('a batch that is one token over and over, or no numbers, is an error and no verdict', async () => {
  const constant = overfit(smallRecipe(), undefined, new Float32Array(32 * d_in).fill(0.5));
  await expect(constant).rejects.toBeInstanceOf(UserError);
  await expect(constant).rejects.toThrow(/the same activation at every token/);
  const wrong = sparseActivations(32, d_in, 30, 2);
  wrong[5] = Number.NaN;
  await expect(overfit(smallRecipe(), undefined, wrong)).rejects.toBeInstanceOf(MalformedError);
});
