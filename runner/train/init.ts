import type { Hook } from '../hook.ts';
import { architectureOf } from './architectures/index.ts';
import { geometricMedian } from './geometric-median.ts';
import type { Recipe } from './recipe.ts';
import { mapParameters, type Parameters } from './state.ts';
import { hookStream } from './streams.ts';

/**
 * Initial weights: rows of W_dec gaussian and scaled to unit norm, W_enc its transpose, b_dec the geometric median
 * of the first `biasInitSamples` activations, the rest as the architecture says.
 *
 * @param hook with the recipe's seed it decides the weights: a wider SAE begins with the rows of a narrower one
 * @param samples activations [count, d_in], at least `biasInitSamples` of them
 */
export function initialParameters(
  recipe: Recipe,
  d_in: number,
  hook: Hook,
  samples: Float32Array,
): Parameters {
  const { dSae: d_sae, biasInitSamples } = recipe;
  if (samples.length < biasInitSamples * d_in) {
    throw new RangeError(
      `${samples.length / d_in} activations for b_dec, expected biasInitSamples = ${biasInitSamples}`,
    );
  }
  const stream = hookStream('initial weights', recipe.seed, hook);
  const W_dec = new Float32Array(d_sae * d_in);
  const W_enc = new Float32Array(d_in * d_sae);
  const row = new Float64Array(d_in);
  for (let j = 0; j < d_sae; j++) {
    let square = 0;
    for (let i = 0; i < d_in; i++) {
      const value = stream.gaussian();
      row[i] = value;
      square += value * value;
    }
    const scale = 1 / Math.sqrt(square);
    for (let i = 0; i < d_in; i++) {
      const value = row[i]! * scale;
      W_dec[j * d_in + i] = value;
      W_enc[i * d_sae + j] = value;
    }
  }
  const centre = geometricMedian(
    samples.subarray(0, biasInitSamples * d_in),
    d_in,
    recipe.weiszfeldIterations,
  );
  const architecture = architectureOf(recipe);
  const made: Parameters = {
    ...architecture.initialise(recipe),
    W_enc,
    W_dec,
    b_dec: Float32Array.from(centre),
  };
  return mapParameters(architecture.parameters(recipe, d_in), (_, name) => made[name]!);
}
