import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { readFloats, readSafetensors } from '../../../runner/formats/safetensors.ts';
import { withFile } from '../../../runner/io/byte-source.ts';
import { anneal, notAnnealed, pOf } from '../../../runner/train/anneal.ts';
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

/** What a trainer measured in a step; not every one has all of it. */
const steps = z.array(
  z.object({
    learning_rate: z.number(),
    dead: z.int().optional(),
    error_squares: z.number(),
    reconstruction_loss: z.number(),
    aux_loss: z.number(),
    sparsity_loss: z.number().default(0),
    active_latents: z.int(),
    least_active: z.number().optional(),
    gradient_norm: z.number().optional(),
    p: z.number().optional(),
  }),
);
const golden = z.object({ d_in: z.int(), cases: z.record(z.string(), z.object({ recipe, steps })) });

const programs = {
  'dictionary-learning': 'dictionary_learning',
  'dictionary-learning-sparsity': 'dictionary_learning',
  'sae-lens': 'SAELens',
  sparsify: 'sparsify',
};

const cases = (
  await Promise.all(
    Object.entries(programs).map(async ([file, program]) => {
      const { d_in, cases } = golden.parse(JSON.parse(await readFile(fixture(`${file}.json`), 'utf8')));
      const tensors = await withFile(fixture(`${file}.safetensors`), async (source) => {
        const header = await readSafetensors(source);
        const read = new Map<string, Float32Array>();
        for (const key of header.tensors.keys()) read.set(key, await readFloats(source, header, key));
        return read;
      });
      return Object.entries(cases).map(([name, parts]) => ({ program, name, d_in, tensors, ...parts }));
    }),
  )
).flat();

const topKCases = cases.filter(({ steps: [first] }) => first!.dead !== undefined);

test.each(cases.filter(({ steps: [first] }) => first!.p !== undefined))(
  'the run of $program’s $name changes p and the weight of its norm',
  ({ steps: expected, recipe }) => {
    expect(new Set(expected.map(({ p }) => p)).size).toBeGreaterThan(3);
    expect(expected.at(-1)!.p).toBeCloseTo(recipe.sparsityPEnd!, 6);
    expect(pOf(recipe, recipe.annealEndStep! + 1).now).toBe(recipe.sparsityPEnd);
    expect(pOf({ ...recipe, sparsityPEnd: 0.2, annealUpdates: 4 }, recipe.annealEndStep! + 1).now).toBe(0.2);
  },
);

test.each(topKCases)(
  'the run of $program’s $name kills latents, and AuxK works on them',
  ({ steps: expected }) => {
    expect(expected.length).toBe(20);
    expect(expected[0]!.dead).toBe(0);
    expect(expected.at(-1)!.dead).toBeGreaterThan(12);
    expect(expected.filter(({ aux_loss }) => aux_loss > 0).length).toBeGreaterThan(15);
  },
);

test.each(cases.filter(({ name }) => /relu|gated/.test(name)))(
  'the run of $program’s $name moves biases, thresholds or gates, and its sparsity loss works',
  ({ steps: expected, recipe, d_in, tensors, name }) => {
    expect(expected.length).toBe(20);
    expect(expected[0]!.sparsity_loss).toBeCloseTo(0, 4);
    expect(expected.slice(1).every(({ sparsity_loss }) => sparsity_loss > 0)).toBe(true);
    expect(expected.at(-1)!.active_latents).toBeLessThan(expected[0]!.active_latents);
    const own = { gated: ['b_gate', 'b_mag', 'r_mag'], jumprelu: ['threshold', 'b_enc'] };
    for (const tensor of own[recipe.architecture as keyof typeof own] ?? ['b_enc']) {
      const [from, to] = ['initial_', 'final_'].map((part) => tensors.get(`${name}.${part}${tensor}`)!);
      expect(relativeDifference(to!, from!), tensor).toBeGreaterThan(0.05);
      expect(to!.length).toBe(architectureOf(recipe).parameters(recipe, d_in)[tensor]![0]);
    }
  },
);

const backends = [referenceBackend, graphBackend({ threads: 1 })];

test.each(backends.flatMap((backend) => cases.map((each) => ({ of: backend.name, backend, ...each }))))(
  '$of backend follows $program’s trainer of $name over twenty steps',
  async ({ backend, program, name, d_in, tensors, recipe, steps: expected }) => {
    const shapes = architectureOf(recipe).parameters(recipe, d_in);
    const group = (prefix: string) =>
      mapParameters(shapes, (_, tensor) => tensors.get(`${name}.${prefix}${tensor}`)!);
    const initial = group('initial_');
    const session = await backend.init(recipe, d_in, freshState(initial));
    const clock = deadClock(recipe.dSae, recipe.deadThresholdTokens);
    let annealing = notAnnealed;
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
      const y = tensors.get('targets')?.subarray(i * batch, (i + 1) * batch);
      const controls = {
        learningRate: rate,
        dead: clock.dead(recipe.deadCounting === 'with-step' ? recipe.batchTokens : 0),
        sparsityScale: annealing.scale,
      };
      if (step.p !== undefined) compare('p', pOf(recipe, i).now, step.p);
      const result = await session.step(x, controls, y);
      annealing = anneal(recipe, annealing, i, result.norms ?? null);
      clock.advance(result.fired, recipe.batchTokens);
      if (step.dead !== undefined) expect(clock.dead().length, `dead after step ${i}`).toBe(step.dead);
      expect(result.activeLatents).toBe(step.active_latents);
      compare('error squares', result.errorSquares, step.error_squares);
      compare('reconstruction loss', result.reconstructionLoss, step.reconstruction_loss);
      compare('aux loss', result.auxLoss, step.aux_loss);
      // Of two losses the difference: rounded as their sum is.
      const { sparsity_loss: sparsity, reconstruction_loss: rest } = step;
      compare('sparsity loss', rest + result.sparsityLoss, rest + sparsity);
      if (step.gradient_norm !== undefined) compare('gradient norm', result.gradientNorm, step.gradient_norm);
      const hasThreshold = ['batchtopk', 'matryoshka'].includes(recipe.architecture);
      expect(result.leastActive !== null).toBe(hasThreshold);
      if (hasThreshold) compare('least active', result.leastActive!, step.least_active!);
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
    console.info(`${backend.name}, ${program} ${name}: ${text.join(', ')}`);
    for (const [key, value] of Object.entries(worst)) expect(value, key).toBeLessThanOrEqual(TOLERANCE);
    expect(relativeDifference(state.parameters.W_enc, initial.W_enc)).toBeGreaterThan(1e-3);
  },
);
