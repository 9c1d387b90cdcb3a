import { expect, test } from 'vitest';
import { tensorNames } from '../../../runner/sae/sae.ts';
import type { StepControls, TrainingBackend } from '../../../runner/train/backends/backend.ts';
import { graphBackend } from '../../../runner/train/backends/graph.ts';
import { referenceBackend } from '../../../runner/train/backends/reference.ts';
import { initialParameters } from '../../../runner/train/init.ts';
import { leastDead, type Recipe } from '../../../runner/train/recipe.ts';
import { freshState, mapTensors, type OptimiserState } from '../../../runner/train/state.ts';
import { gaussians, relativeDifference, smallRecipe, sparseActivations } from './support.ts';

const d_in = 20;

function start(recipe: Recipe): OptimiserState {
  const samples = sparseActivations(recipe.biasInitSamples, d_in, 30, 0);
  const parameters = initialParameters(recipe, d_in, 'test', samples);
  // Off the special values of a fresh start: b_enc is not 0, rows are not unit.
  gaussians(recipe.dSae, 'b_enc').forEach((value, j) => {
    parameters.b_enc[j] = 0.1 * value - 0.1;
  });
  return freshState(
    { d_in, d_sae: recipe.dSae },
    mapTensors((name) => parameters[name].map((v) => 1.1 * v)),
  );
}

async function run(backend: TrainingBackend, recipe: Recipe, steps: readonly StepControls[]) {
  const session = await backend.init(recipe, d_in, start(recipe));
  try {
    const results = [];
    for (const [i, controls] of steps.entries()) {
      results.push(await session.step(sparseActivations(recipe.batchTokens, d_in, 30, i + 1), controls));
    }
    return { results, state: await session.state() };
  } finally {
    await session.close();
  }
}

const latents = (count: number, every = 1): Int32Array =>
  Int32Array.from({ length: count }, (_, i) => i * every);

test.each<[string, Partial<Recipe>, readonly Int32Array[]]>([
  ['no dead latents', {}, [latents(0), latents(0), latents(0)]],
  ['dead below, at and above kAux', {}, [latents(5), latents(6), latents(20, 2), latents(3)]],
  ['all latents dead', {}, [latents(48), latents(48)]],
  ['kAux = k = dSae', { k: 48, kAux: 48 }, [latents(48), latents(47)]],
  ['k = kAux = 1', { k: 1, kAux: 1 }, [latents(1), latents(9, 5)]],
  ['rows not renormalised', { unitNormDecoder: false }, [latents(12), latents(0)]],
  ['parallel gradient removed', { removeParallelGradient: true }, [latents(12), latents(0), latents(7)]],
  ['clip far below the norm', { gradientClip: 0.01, alphaAux: 4 }, [latents(12), latents(12)]],
  ['other Adam settings', { adamBeta1: 0, adamBeta2: 0.9, adamEpsilon: 1e-3 }, [latents(0), latents(0)]],
  ['AuxK scaled', { auxVariant: 'scaled' }, [latents(0), latents(1), latents(5), latents(6), latents(20, 2)]],
  ['AuxK normalised', { auxVariant: 'normalised' }, [latents(0), latents(1), latents(9, 3)]],
  ['loss summed over dimensions', { lossReduction: 'sum' }, [latents(0), latents(9, 3)]],
  [
    'dead latents counted with the step',
    { deadCounting: 'with-step', auxVariant: 'normalised' },
    [latents(0), latents(48), latents(20, 2)],
  ],
  ['BatchTopK', { architecture: 'batchtopk' }, [latents(0), latents(9, 3), latents(20, 2)]],
  ['BatchTopK keeping all', { architecture: 'batchtopk', k: 48 }, [latents(0), latents(9, 3)]],
  [
    'Matryoshka',
    { architecture: 'matryoshka', auxVariant: 'normalised', groupFractions: [0.1, 0.3, 0.6] },
    [latents(0), latents(9, 3), latents(20, 2)],
  ],
  [
    'Matryoshka of two halves, summed',
    { architecture: 'matryoshka', lossReduction: 'sum', groupFractions: [0.5, 0.5] },
    [latents(0), latents(20, 2)],
  ],
  ['one token a batch', { batchTokens: 1 }, [latents(12), latents(12), latents(0)]],
])('the graph follows the reference: %s', async (_, over, dead) => {
  const recipe = smallRecipe(over);
  const steps = dead.map((each, i) => ({ learningRate: 1e-3 * (i + 1), dead: each }));
  const expected = await run(referenceBackend, recipe, steps);
  const found = await run(graphBackend({ threads: 1 }), recipe, steps);
  let worst = 0;
  const compare = (name: string, a: ArrayLike<number>, b: ArrayLike<number>): void => {
    const difference = relativeDifference(a, b);
    worst = Math.max(worst, difference);
    expect(difference, name).toBeLessThan(1e-5);
  };
  for (const [i, result] of found.results.entries()) {
    const { fired, activeLatents, leastActive, ...numbers } = expected.results[i]!;
    expect(result.fired).toEqual(fired);
    expect(result.activeLatents).toBe(activeLatents);
    expect(result.leastActive === null).toBe(leastActive === null);
    // Of pre-activations around 1: near 0 what is left of them is rounding.
    if (leastActive !== null) compare(`step ${i} leastActive`, [1 + result.leastActive!], [1 + leastActive]);
    for (const [key, value] of Object.entries(numbers)) {
      compare(`step ${i} ${key}`, [result[key as keyof typeof numbers]], [value]);
    }
    if (recipe.deadCounting === 'before-step') {
      expect(result.auxLoss > 0).toBe(dead[i]!.length >= leastDead(recipe));
    }
  }
  for (const part of ['parameters', 'firstMoments', 'secondMoments'] as const) {
    for (const name of tensorNames)
      compare(`${part} ${name}`, found.state[part][name], expected.state[part][name]);
  }
  expect(found.state.updates).toBe(steps.length);
  console.info(`largest difference ${worst.toExponential(1)}`);
});

test('AuxK moves dead latents only', async () => {
  const recipe = smallRecipe({ gradientClip: 1e9 });
  const dead = latents(20, 2);
  const controls = { learningRate: 1e-3, dead };
  const backend = graphBackend({ threads: 1 });
  const on = await run(backend, recipe, [controls]);
  const off = await run(backend, recipe, [{ ...controls, dead: latents(0) }]);
  const isDead = new Set(dead);
  let moved = 0;
  for (let j = 0; j < recipe.dSae; j++) {
    const same = on.state.firstMoments.b_enc[j] === off.state.firstMoments.b_enc[j];
    if (!isDead.has(j)) expect(same, `latent ${j}`).toBe(true);
    else if (!same) moved += 1;
  }
  expect(moved).toBeGreaterThan(5);
});

test('a batch of another size is refused', async () => {
  const recipe = smallRecipe();
  const session = await graphBackend({ threads: 1 }).init(recipe, d_in, start(recipe));
  const step = session.step(new Float32Array(31 * d_in), { learningRate: 1e-3, dead: latents(0) });
  await expect(step).rejects.toThrow('x: 620 values, expected 32 tokens × 20');
  await session.close();
});

test('SAEs on one backend do not touch one another', async () => {
  const backend = graphBackend({ threads: 1 });
  const recipe = smallRecipe();
  const alone = await run(backend, recipe, [{ learningRate: 1e-3, dead: latents(0) }]);
  const [a, b] = [
    await backend.init(recipe, d_in, start(recipe)),
    await backend.init(recipe, d_in, start(recipe)),
  ];
  await b.step(sparseActivations(32, d_in, 30, 77), { learningRate: 1, dead: latents(20) });
  await b.close();
  await a.step(sparseActivations(32, d_in, 30, 1), { learningRate: 1e-3, dead: latents(0) });
  expect(await a.state()).toEqual(alone.state);
  await a.close();
});
