import { expect, test } from 'vitest';
import { backendFor, chooseBackend, fallenBack } from '../../../runner/train/backends/choose.ts';
import { startOf } from './conformance.ts';
import { smallRecipe } from './support.ts';

const topk = smallRecipe();
const batchtopk = smallRecipe({ architecture: 'batchtopk' });

test('auto is sparse-cpu on the CPU where that computes the recipe, graph elsewhere', () => {
  const auto = { choice: 'auto', device: 'cpu' } as const;
  expect(backendFor(auto, topk, 20)).toBe('sparse-cpu');
  expect(backendFor(auto, batchtopk, 20)).toBe('graph');
  expect(backendFor({ choice: 'auto', device: 'webgpu' }, topk, 20)).toBe('graph');
  // 32,768 x 8,192 weights, twice, with moments and gradients: 8 GiB.
  expect(backendFor(auto, smallRecipe({ dSae: 32_768 }), 8_192)).toBe('graph');
  expect(backendFor({ choice: 'graph', device: 'cpu' }, topk, 20)).toBe('graph');
});

test('sparse-cpu asked for by name refuses a recipe it does not compute', async () => {
  const backend = chooseBackend({ choice: 'sparse-cpu', device: 'cpu', threads: 1 });
  const start = startOf({ recipe: batchtopk, d_in: 20, twins: false });
  await expect(backend.init(batchtopk, 20, start)).rejects.toThrow(
    'backend sparse-cpu: found architecture batchtopk; expected a recipe it computes. Use --backend auto or graph.',
  );
});

test('webgpu refuses a recipe that counts dead latents with the step', async () => {
  const recipe = smallRecipe({ deadCounting: 'with-step' });
  const start = startOf({ recipe, d_in: 20, twins: false });
  for (const choice of ['auto', 'graph'] as const) {
    const backend = chooseBackend({ choice, device: 'webgpu', threads: 1 });
    expect(backend.unsupported(recipe)).toContain('with-step');
    expect(backend.unsupported(topk)).toBeNull();
    await expect(backend.init(recipe, 20, start)).rejects.toThrow(
      'backend graph: found dead latents counted with the step (deadCounting with-step) on webgpu; expected a recipe it computes. Use --device cpu.',
    );
  }
});

test('one chosen backend serves SAEs that belong to different ones', async () => {
  const backend = chooseBackend({ choice: 'auto', device: 'cpu', threads: 1 });
  expect(backend.notes).toEqual([]);
  for (const recipe of [topk, batchtopk]) {
    expect(backend.unsupported(recipe)).toBeNull();
    const session = await backend.init(recipe, 20, startOf({ recipe, d_in: 20, twins: false }));
    const x = new Float32Array(recipe.batchTokens * 20).fill(0.5);
    expect((await session.step(x, { learningRate: 1e-3, dead: new Int32Array(0) })).mse).toBeGreaterThan(0);
    await session.close();
  }
});

test('how the top k is found is said once for each size, in figures of this machine', async () => {
  const said: string[] = [];
  const backend = chooseBackend({
    choice: 'sparse-cpu',
    device: 'cpu',
    threads: 1,
    say: (line) => said.push(line),
  });
  for (const recipe of [topk, topk, smallRecipe({ dSae: 2 * topk.dSae })]) {
    const session = await backend.init(recipe, 20, startOf({ recipe, d_in: 20, twins: false }));
    await session.close();
  }
  const line = (n: number) =>
    new RegExp(
      `^top ${topk.k} of ${n} latents: (screened in ([78])-bit integers|no screen); here a product of ([78])-bit integers takes [0-9.]+ of the float32 one’s time$`,
    );
  expect(said).toEqual([expect.stringMatching(line(topk.dSae)), expect.stringMatching(line(2 * topk.dSae))]);
});

test('what falls back to the graph is said in one line', () => {
  const auto = { choice: 'auto', device: 'cpu' } as const;
  expect(fallenBack(auto, [topk])).toBeNull();
  expect(fallenBack(auto, [topk, batchtopk, batchtopk])).toBe(
    'backend graph for architecture batchtopk: sparse-cpu does not compute it',
  );
  expect(fallenBack({ ...auto, choice: 'graph' }, [batchtopk])).toBeNull();
});
