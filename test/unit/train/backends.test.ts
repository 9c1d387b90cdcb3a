import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TrainingBackend, TrainingSession } from '../../../runner/train/backends/backend.ts';
import { graphBackend } from '../../../runner/train/backends/graph.ts';
import { sparseCpuBackend } from '../../../runner/train/backends/sparse-cpu/sparse-cpu.ts';
import {
  type ConformanceCase,
  conformanceCases,
  conformanceTable,
  differenceFromReference,
  latents,
  runCase,
  startOf,
  TOLERANCE,
} from './conformance.ts';
import { smallRecipe, sparseActivations } from './support.ts';

const graph = graphBackend({ threads: 1 });
const sparse = sparseCpuBackend({ threads: 1 });
const threaded = sparseCpuBackend({ threads: 3 });
const screened = sparseCpuBackend({ threads: 2, screened: 'always' });
const backends: Record<string, TrainingBackend> = {
  graph,
  'sparse-cpu': sparse,
  'sparse-cpu, 3 threads': threaded,
  'sparse-cpu, screened': screened,
  'sparse-cpu, plain SIMD': sparseCpuBackend({ threads: 2, build: 'plain', screened: 'always' }),
};

// A backend ends its threads with its last session: one that stays open spares each of the many below their start.
const open: TrainingSession[] = [];
beforeAll(async () => {
  const recipe = smallRecipe();
  for (const backend of Object.values(backends))
    open.push(await backend.init(recipe, 20, startOf({ recipe, d_in: 20, twins: false })));
});
afterAll(async () => {
  for (const session of open) await session.close();
});

const cells = new Map(Object.keys(backends).map((name) => [name, new Map<string, string>()]));

describe.each(Object.entries(backends))('%s follows the reference', (name, backend) => {
  test.each(conformanceCases.map((each) => [each.title, each] as const))('%s', async (title, each) => {
    const lacking = backend.unsupported(each.recipe);
    if (lacking !== null) {
      cells.get(name)!.set(title, 'not computed');
      return;
    }
    const { worst, where } = await differenceFromReference(backend, each);
    cells.get(name)!.set(title, worst.toExponential(1));
    expect(worst, where).toBeLessThan(TOLERANCE);
  });
});

test('only architectures other than TopK, and encoders without b_dec, are left to the graph', () => {
  for (const { recipe } of conformanceCases) {
    expect(graph.unsupported(recipe)).toBeNull();
    expect(sparse.unsupported(recipe) === null).toBe(
      recipe.architecture === 'topk' && recipe.applyBDecToInput && recipe.transcode === undefined,
    );
  }
});

afterAll(() => {
  console.info(
    `largest relative difference from the reference\n${conformanceTable(Object.keys(backends), cells)}`,
  );
});

test.each(
  conformanceCases
    .filter(({ recipe }) => sparse.unsupported(recipe) === null)
    .map((each) => [each.title, each] as const),
)('sparse-cpu gives the same bits on one thread and on three: %s', async (_, each) => {
  const one = await runCase(sparse, each);
  const three = await runCase(threaded, each);
  expect(three).toEqual(one);
});

test('sparse-cpu gives the same bits on one, two and three threads where onnxruntime shares its products too', async () => {
  const recipe = smallRecipe({ dSae: 1_024, k: 32, kAux: 64, batchTokens: 1_024 });
  const shape: ConformanceCase = {
    title: '',
    recipe,
    d_in: 100,
    dead: [latents(0), latents(200, 5)],
    twins: false,
  };
  const one = await runCase(sparse, shape);
  expect(await runCase(threaded, shape)).toEqual(one);
  expect(await runCase(sparseCpuBackend({ threads: 2 }), shape)).toEqual(one);
}, 600_000);

test('an SAE beyond what WebAssembly addresses is refused before anything is made', async () => {
  const recipe = smallRecipe({ dSae: 2 ** 20, kAux: 6 });
  const empty = startOf({ recipe: smallRecipe(), d_in: 20, twins: false });
  await expect(sparse.init(recipe, 1_024, empty)).rejects.toThrow(
    'at most 4 GiB, what WebAssembly addresses',
  );
});

test('a session given the state of another goes on with the same bits', async () => {
  const recipe = smallRecipe();
  const controls = { learningRate: 1e-3, dead: latents(20, 2) };
  const x = [1, 2].map((seed) => sparseActivations(recipe.batchTokens, 20, 30, seed)) as [
    Float32Array,
    Float32Array,
  ];
  for (const backend of Object.values(backends)) {
    const first = await backend.init(recipe, 20, startOf({ recipe, d_in: 20, twins: false }));
    await first.step(x[0], controls);
    const { parameters, firstMoments, secondMoments, updates } = structuredClone(await first.state());
    const second = await backend.init(recipe, 20, { parameters, firstMoments, secondMoments, updates });
    expect(await second.step(x[1], controls)).toEqual(await first.step(x[1], controls));
    expect(await second.state()).toEqual(await first.state());
    await first.close();
    await second.close();
  }
});

test.each(Object.values(backends))('AuxK moves dead latents only: $name', async (backend) => {
  const recipe = smallRecipe({ gradientClip: 1e9 });
  const dead = latents(20, 2);
  const on = await oneStep(backend, recipe, dead);
  const off = await oneStep(backend, recipe, latents(0));
  const isDead = new Set(dead);
  let moved = 0;
  for (let j = 0; j < recipe.dSae; j++) {
    const same = on.firstMoments.b_enc![j] === off.firstMoments.b_enc![j];
    if (!isDead.has(j)) expect(same, `latent ${j}`).toBe(true);
    else if (!same) moved += 1;
  }
  expect(moved).toBeGreaterThan(5);
});

async function oneStep(backend: TrainingBackend, recipe: ConformanceCase['recipe'], dead: Int32Array) {
  const session = await backend.init(recipe, 20, startOf({ recipe, d_in: 20, twins: false }));
  await session.step(sparseActivations(recipe.batchTokens, 20, 30, 1), { learningRate: 1e-3, dead });
  const state = await session.state();
  await session.close();
  return state;
}

test.each(Object.values(backends))('a batch of another size is refused: $name', async (backend) => {
  const recipe = smallRecipe();
  const session = await backend.init(recipe, 20, startOf({ recipe, d_in: 20, twins: false }));
  const step = session.step(new Float32Array(31 * 20), { learningRate: 1e-3, dead: latents(0) });
  await expect(step).rejects.toThrow('x: 620 values, expected 32 tokens × 20');
  await session.close();
});

test.each(Object.values(backends))('SAEs on one backend do not touch one another: $name', async (backend) => {
  const recipe = smallRecipe();
  const alone = await oneStep(backend, recipe, latents(0));
  const start = { recipe, d_in: 20, twins: false };
  const a = await backend.init(recipe, 20, startOf(start));
  const b = await backend.init(recipe, 20, startOf(start));
  await b.step(sparseActivations(32, 20, 30, 77), { learningRate: 1, dead: latents(20) });
  await b.close();
  await a.step(sparseActivations(32, 20, 30, 1), { learningRate: 1e-3, dead: latents(0) });
  expect(await a.state()).toEqual(alone);
  await a.close();
});
