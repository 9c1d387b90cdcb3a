import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { readFloats, readSafetensors } from '../../../runner/formats/safetensors.ts';
import { withFile } from '../../../runner/io/byte-source.ts';
import { architectureOf } from '../../../runner/train/architectures/index.ts';
import { graphBackend } from '../../../runner/train/backends/graph.ts';
import { referenceBackend } from '../../../runner/train/backends/reference.ts';
import { deadClock } from '../../../runner/train/dead-clock.ts';
import { recipe } from '../../../runner/train/recipe.ts';
import { learningRate } from '../../../runner/train/schedule.ts';
import { freshState, mapParameters } from '../../../runner/train/state.ts';
import { relativeDifference } from './support.ts';

const TOLERANCE = 1e-5;
const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../fixtures/train/${name}`, import.meta.url));

const steps = z.array(
  z.object({
    learning_rate: z.number(),
    dead: z.int(),
    error_squares: z.number(),
    reconstruction_loss: z.number(),
    aux_loss: z.number(),
    active_latents: z.int(),
    least_active: z.number(),
    gradient_norm: z.number(),
  }),
);
const golden = z
  .object({ d_in: z.int(), cases: z.record(z.string(), z.object({ recipe, steps })) })
  .parse(JSON.parse(await readFile(fixture('dictionary-learning.json'), 'utf8')));
const tensors = await withFile(fixture('dictionary-learning.safetensors'), async (source) => {
  const file = await readSafetensors(source);
  const read = new Map<string, Float32Array>();
  for (const key of file.tensors.keys()) read.set(key, await readFloats(source, file, key));
  return read;
});

const cases = Object.entries(golden.cases).map(([name, parts]) => ({ name, ...parts }));

test.each(cases)('the run of $name kills latents, and AuxK works on them', ({ steps: expected }) => {
  expect(expected.length).toBe(20);
  expect(expected[0]!.dead).toBe(0);
  expect(expected.at(-1)!.dead).toBeGreaterThan(12);
  expect(expected.filter(({ aux_loss }) => aux_loss > 0).length).toBeGreaterThan(15);
});

const backends = [referenceBackend, graphBackend({ threads: 1 })];

test.each(backends.flatMap((backend) => cases.map((each) => ({ of: backend.name, backend, ...each }))))(
  '$of backend follows dictionary_learning’s trainer of $name over twenty steps',
  async ({ backend, name, recipe, steps: expected }) => {
    const { d_in } = golden;
    const shapes = architectureOf(recipe).parameters(recipe, d_in);
    const group = (prefix: string) =>
      mapParameters(shapes, (_, tensor) => tensors.get(`${name}.${prefix}${tensor}`)!);
    const initial = group('initial_');
    const session = await backend.init(recipe, d_in, freshState(initial));
    const clock = deadClock(recipe.dSae, recipe.deadThresholdTokens);
    const data = tensors.get('data')!;
    const batch = recipe.batchTokens * d_in;
    const worst: Record<string, number> = {};
    const compare = (key: string, found: number, wanted: number): void => {
      worst[key] = Math.max(worst[key] ?? 0, relativeDifference([found], [wanted]));
    };
    for (const [i, step] of expected.entries()) {
      const rate = learningRate(recipe, i);
      compare('learning rate', rate, step.learning_rate);
      const x = data.subarray(i * batch, (i + 1) * batch);
      const result = await session.step(x, {
        learningRate: rate,
        dead: clock.dead(recipe.batchTokens),
      });
      clock.advance(result.fired, recipe.batchTokens);
      expect(clock.dead().length, `dead after step ${i}`).toBe(step.dead);
      expect(result.activeLatents).toBe(step.active_latents);
      compare('error squares', result.errorSquares, step.error_squares);
      compare('reconstruction loss', result.reconstructionLoss, step.reconstruction_loss);
      compare('aux loss', result.auxLoss, step.aux_loss);
      compare('gradient norm', result.gradientNorm, step.gradient_norm);
      if (result.leastActive !== null) compare('least active', result.leastActive, step.least_active);
      expect(result.leastActive === null).toBe(recipe.architecture === 'topk');
    }
    const state = await session.state();
    await session.close();
    const groups = [
      ['', state.parameters],
      ['first_', state.firstMoments],
      ['second_', state.secondMoments],
    ] as const;
    for (const [prefix, found] of groups) {
      const wanted = group(`final_${prefix}`);
      for (const tensor of Object.keys(shapes)) {
        worst[`${prefix}${tensor}`] = relativeDifference(found[tensor]!, wanted[tensor]!);
      }
    }
    const text = Object.entries(worst).map(([key, value]) => `${key} ${value.toExponential(1)}`);
    console.info(`${backend.name}, ${name}: ${text.join(', ')}`);
    for (const [key, value] of Object.entries(worst)) expect(value, key).toBeLessThanOrEqual(TOLERANCE);
    expect(relativeDifference(state.parameters.W_enc, initial.W_enc)).toBeGreaterThan(1e-3);
  },
);
