import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { readFloats, readSafetensors } from '../../../runner/formats/safetensors.ts';
import { withFile } from '../../../runner/io/byte-source.ts';
import type { TrainingBackend } from '../../../runner/train/backends/backend.ts';
import { graphBackend } from '../../../runner/train/backends/graph.ts';
import { referenceBackend } from '../../../runner/train/backends/reference.ts';
import { sparseCpuBackend } from '../../../runner/train/backends/sparse-cpu/sparse-cpu.ts';
import { deadClock } from '../../../runner/train/dead-clock.ts';
import { plainParameters } from '../../../runner/train/plain-parameters.ts';
import { recipe } from '../../../runner/train/recipe.ts';
import { learningRate } from '../../../runner/train/schedule.ts';
import { freshState, mapParameters, valuesOf } from '../../../runner/train/state.ts';
import { relativeDifference } from './support.ts';

/**
 * Relative to the largest number of a tensor. Twenty steps of sums in another order end 1e-7 to 2e-6 away from
 * PyTorch's own float32; a wrong rule changes the weights by more than 1e-3, as the last line of the test asks.
 */
const TOLERANCE = 1e-5;

const goldenSchema = z.object({
  d_in: z.int(),
  recipe,
  steps: z.array(
    z.object({
      learning_rate: z.number(),
      dead_before: z.int(),
      dead_after: z.int(),
      fired: z.int(),
      active_latents: z.int(),
      aux_active_latents: z.int(),
      mse: z.number(),
      aux_loss: z.number(),
      gradient_norm: z.number(),
      error_squares: z.number(),
      centred_squares: z.number(),
    }),
  ),
});

function fixture(name: string): string {
  return fileURLToPath(new URL(`../../fixtures/train/${name}`, import.meta.url));
}

async function load(name: string) {
  const golden = goldenSchema.parse(JSON.parse(await readFile(fixture(`${name}.json`), 'utf8')));
  const tensors = await withFile(fixture(`${name}.safetensors`), async (source) => {
    const file = await readSafetensors(source);
    const read = new Map<string, Float32Array>();
    for (const key of file.tensors.keys()) read.set(key, await readFloats(source, file, key));
    return read;
  });
  const shapes = plainParameters(golden.recipe, golden.d_in);
  const group = (prefix: string) => mapParameters(shapes, (_, tensor) => tensors.get(`${prefix}${tensor}`)!);
  return { ...golden, data: tensors.get('data')!, group };
}

const backends: TrainingBackend[] = [
  referenceBackend,
  graphBackend({ threads: 1 }),
  sparseCpuBackend({ threads: 2 }),
];

test.each(['a', 'b'])('case %s becomes what the recipe promises to cover', async (name) => {
  const { recipe, steps } = await load(name);
  expect(steps.some(({ aux_loss }) => aux_loss === 0)).toBe(true);
  expect(steps.some(({ aux_loss }) => aux_loss > 0)).toBe(true);
  expect(steps.some(({ gradient_norm }) => gradient_norm > recipe.gradientClip)).toBe(true);
  expect(steps.some(({ gradient_norm }) => gradient_norm < recipe.gradientClip)).toBe(true);
  // Some dead latents come back, and relu cuts part of AuxK's selection.
  expect(steps.some(({ dead_after, dead_before }) => dead_after < dead_before)).toBe(true);
  for (const step of steps.filter(({ aux_loss }) => aux_loss > 0)) {
    expect(step.aux_active_latents).toBeGreaterThan(0);
    expect(step.aux_active_latents).toBeLessThan(recipe.batchTokens * recipe.kAux);
  }
});

test.each(backends.flatMap((backend) => ['a', 'b'].map((name) => ({ backend, name, of: backend.name }))))(
  '$of backend follows PyTorch over twenty steps of case $name',
  async ({ backend, name }) => {
    const { d_in, recipe, steps, data, group } = await load(name);
    const initial = group('initial_');
    const session = await backend.init(recipe, d_in, freshState(initial));
    const clock = deadClock(recipe.dSae, recipe.deadThresholdTokens);
    const batch = recipe.batchTokens * d_in;
    const worst: Record<string, number> = {};
    const compare = (key: string, found: number, expected: number): void => {
      worst[key] = Math.max(worst[key] ?? 0, relativeDifference([found], [expected]));
    };
    for (const [i, expected] of steps.entries()) {
      const rate = learningRate(recipe, i);
      compare('learning rate', rate, expected.learning_rate);
      const dead = clock.dead();
      expect(dead.length, `dead before step ${i}`).toBe(expected.dead_before);
      const x = data.subarray(i * batch, (i + 1) * batch);
      const result = await session.step(x, { learningRate: rate, dead });
      clock.advance(result.fired, recipe.batchTokens);
      expect(clock.dead().length, `dead after step ${i}`).toBe(expected.dead_after);
      expect(result.fired.reduce((sum, flag) => sum + flag, 0)).toBe(expected.fired);
      expect(result.activeLatents).toBe(expected.active_latents);
      compare('mse', result.mse, expected.mse);
      compare('aux loss', result.auxLoss, expected.aux_loss);
      compare('gradient norm', result.gradientNorm, expected.gradient_norm);
      compare('error squares', result.errorSquares, expected.error_squares);
      compare('centred squares', result.centredSquares, expected.centred_squares);
    }
    const state = await session.state();
    expect(state.updates).toBe(steps.length);
    const groups = [
      ['', state.parameters],
      ['first_', state.firstMoments],
      ['second_', state.secondMoments],
    ] as const;
    for (const [prefix, tensors] of groups) {
      const golden = group(`final_${prefix}`);
      for (const [tensor, shape] of Object.entries(plainParameters(recipe, d_in))) {
        expect(tensors[tensor]!.length).toBe(valuesOf(shape));
        worst[`${prefix}${tensor}`] = relativeDifference(tensors[tensor]!, golden[tensor]!);
      }
    }
    await session.close();
    const text = Object.entries(worst).map(([key, value]) => `${key} ${value.toExponential(1)}`);
    console.info(`${backend.name}, case ${name}: ${text.join(', ')}`);
    for (const [key, value] of Object.entries(worst)) expect(value, key).toBeLessThanOrEqual(TOLERANCE);
    // The steps did change the weights by far more than the tolerance.
    expect(relativeDifference(state.parameters.W_enc, initial.W_enc)).toBeGreaterThan(1e-3);
  },
);
