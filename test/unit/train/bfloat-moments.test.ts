/** Adam's moments in bfloat16: the CPU's kernels follow the reference, and runs go on to the bit. */
import { expect, test } from 'vitest';
import type { TrainingBackend } from '../../../runner/train/backends/backend.ts';
import { chooseBackend } from '../../../runner/train/backends/choose.ts';
import { referenceBackend } from '../../../runner/train/backends/reference.ts';
import { layoutOf, sizesOf } from '../../../runner/train/backends/sparse-cpu/layout.ts';
import { sparseCpuBackend } from '../../../runner/train/backends/sparse-cpu/sparse-cpu.ts';
import { momentNoise, momentSeed, roundedMoment } from '../../../runner/train/bfloat-moments.ts';
import { trainingMemory } from '../../../runner/train/device-memory.ts';
import type { OptimiserState } from '../../../runner/train/state.ts';
import { startOf } from './conformance.ts';
import { relativeDifference, smallRecipe, sparseActivations } from './support.ts';

const d_in = 20;
const recipe = smallRecipe({ adamMoments: 'bfloat16' });
const rows = ['W_enc', 'W_dec'] as const;

const copied = (state: OptimiserState): OptimiserState => structuredClone(state);
const fresh = (): OptimiserState => startOf({ recipe, d_in, twins: false });

/** The states after each of some steps, from one; the first is step `from`. */
async function states(
  backend: TrainingBackend,
  start: OptimiserState,
  from: number,
  count: number,
): Promise<OptimiserState[]> {
  const session = await backend.init(recipe, d_in, copied(start));
  const found: OptimiserState[] = [];
  for (let step = from; step < from + count; step++) {
    const x = sparseActivations(recipe.batchTokens, d_in, 30, step);
    await session.step(x, { learningRate: 1e-3, dead: Int32Array.from({ length: 24 }, (_, j) => 2 * j) });
    found.push(copied(await session.state()));
  }
  await session.close();
  return found;
}

const sparse = sparseCpuBackend({ threads: 1 });

test.each(['relaxed', 'plain'] as const)('a step of %s rounds as the reference does', async (build) => {
  const backend = sparseCpuBackend({ threads: 1, build });
  let start = fresh();
  for (let step = 0; step < 6; step++) {
    const [ours] = await states(backend, start, step, 1);
    const [reference] = await states(referenceBackend, start, step, 1);
    for (const name of rows) {
      expect(relativeDifference(ours!.parameters[name], reference!.parameters[name])).toBeLessThan(1e-5);
      for (const moments of ['firstMoments', 'secondMoments'] as const) {
        const [a, b] = [ours![moments][name], reference![moments][name]];
        // A sum whose last bit is another may fall on the other side of its random number: to the neighbour.
        const others = a.filter((value, i) => value !== b[i]).length;
        expect(others).toBeLessThan(a.length / 50);
        a.forEach((value, i) => {
          expect(Math.abs(value - b[i]!)).toBeLessThanOrEqual(2 ** -7 * Math.abs(b[i]!) + 1e-12);
        });
      }
    }
    start = ours!;
  }
});

test('moments of the matrices are bfloat16, those of the biases float32', async () => {
  const last = (await states(sparse, fresh(), 0, 3)).at(-1)!;
  for (const moments of [last.firstMoments, last.secondMoments]) {
    const lower = (values: Float32Array): number =>
      new Uint32Array(values.slice().buffer).reduce((any, bits) => any | (bits & 0xffff), 0);
    for (const name of rows) {
      expect(lower(moments[name])).toBe(0);
      expect(moments[name].some((value) => value !== 0)).toBe(true);
    }
    expect(lower(moments.b_dec)).not.toBe(0);
  }
});

test('a run goes on to the bit, on other threads too', async () => {
  const straight = await states(sparse, fresh(), 0, 6);
  const resumed = await states(sparseCpuBackend({ threads: 3 }), straight[2]!, 3, 3);
  expect(resumed).toEqual(straight.slice(3));
});

test('rounding keeps the mean where the nearest would stand still', () => {
  const values = 4_096;
  let moments = new Float32Array(values).fill(1);
  for (let step = 1; step <= 1_000; step++) {
    const seed = momentSeed(step);
    moments = moments.map((value, i) => roundedMoment(value * 0.999, momentNoise(seed, i) >>> 16));
  }
  const mean = moments.reduce((sum, value) => sum + value, 0) / values;
  // e⁻¹; one value's deviation is about 0.09, that of the mean of 4,096 about 0.0015.
  expect(Math.abs(mean - 0.999 ** 1_000)).toBeLessThan(0.006);
  expect(roundedMoment(1, 0xffff)).toBe(1);
  expect(roundedMoment(-1.002, 0)).toBe(-1);
});

test('half the memory of moments', () => {
  const sizes = { batchTokens: 64, dSae: 4_096, k: 8 };
  const bytes = (adamMoments: 'bfloat16' | 'float32'): number =>
    layoutOf(sizesOf({ ...sizes, adamMoments }, 256), null).bytes;
  expect(bytes('float32') - bytes('bfloat16')).toBeCloseTo(2 * 2 * 2 * 4_096 * 256, -6);
  const planned = (adamMoments: 'bfloat16' | 'float32'): number =>
    trainingMemory([{ d_in: 256, recipe: smallRecipe({ adamMoments }) }], ['cpu']).states;
  expect(planned('bfloat16') / planned('float32')).toBeCloseTo(5 / 6, 10);
});

test('the graph refuses them by name', async () => {
  const backend = chooseBackend({ choice: 'graph', device: 'cpu', threads: 1 });
  await expect(backend.init(recipe, d_in, fresh())).rejects.toThrow(
    'backend graph: found Adam’s moments in bfloat16 (adamMoments bfloat16); expected a recipe it computes. ' +
      'Leave sae.adamMoments out, or train architecture topk with --device cpu.',
  );
});

test('a recipe of another architecture with them is refused before anything is loaded', () => {
  expect(() => smallRecipe({ adamMoments: 'bfloat16', architecture: 'batchtopk' })).toThrow(
    'expected float32: batchtopk is trained by the graph, which keeps no others',
  );
});
