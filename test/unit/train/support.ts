import { random } from '../../../runner/math/random.ts';
import { type Recipe, recipe } from '../../../runner/train/recipe.ts';

export { relativeDifference } from '../sae/support.ts';

export function gaussians(count: number, ...keys: (number | string)[]): Float32Array {
  const stream = random('test', ...keys);
  return Float32Array.from({ length: count }, () => stream.gaussian());
}

/**
 * Activations with structure to find: each token a sparse positive mixture of `features` fixed directions, off
 * centre, plus noise.
 */
export function sparseActivations(
  tokens: number,
  d_in: number,
  features: number,
  seed: number,
): Float32Array {
  const directions = gaussians(features * d_in, 'directions', d_in, features);
  const stream = random('mixture', seed);
  const x = new Float32Array(tokens * d_in);
  for (let t = 0; t < tokens; t++) {
    const row = x.subarray(t * d_in, (t + 1) * d_in);
    for (let i = 0; i < d_in; i++) row[i] = 0.5 + 0.05 * stream.gaussian();
    for (let active = 0; active < 4; active++) {
      const at = stream.integer(features) * d_in;
      const strength = 0.5 + stream.next();
      for (let i = 0; i < d_in; i++) row[i]! += strength * directions[at + i]!;
    }
  }
  return x;
}

/** A small recipe in which everything happens soon. */
export function smallRecipe(over: Partial<Recipe> = {}): Recipe {
  return recipe.parse({
    dSae: 48,
    k: 4,
    kAux: 6,
    batchTokens: 32,
    deadThresholdTokens: 96,
    learningRate: 2e-3,
    learningRateFloor: 5e-4,
    warmupSteps: 4,
    scheduleSteps: 24,
    biasInitSamples: 64,
    weiszfeldIterations: 10,
    seed: 3,
    ...over,
  });
}
