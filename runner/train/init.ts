import type { Hook } from '../hook.ts';
import { architectureOf } from './architectures/index.ts';
import { geometricMedian } from './geometric-median.ts';
import type { Recipe } from './recipe.ts';
import { mapParameters, type Parameters } from './state.ts';
import { hookStream } from './streams.ts';

/**
 * Initial weights: rows of W_dec gaussian and scaled to norm `decoderInitNorm`, W_enc its transpose, b_dec the geometric median
 * of the first `biasInitSamples` activations or zeros, the rest as the architecture says. A transcoder's encoder has
 * rows of its own and of that norm, drawn after those of the decoder, its skip connection 0.
 *
 * @param hook with the recipe's seed it decides the weights: a wider SAE begins with the rows of a narrower one
 * @param samples activations [count, d_in], at least `biasInitSamples` of them; of a transcoder those it reconstructs
 * @param read of a transcoder as many that it reads: the mean of its pre-activations over them begins at 0
 */
export function initialParameters(
  recipe: Recipe,
  d_in: number,
  hook: Hook,
  samples: Float32Array,
  read: Float32Array = samples,
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
  const draw = (set: (i: number, value: number) => void): void => {
    let square = 0;
    for (let i = 0; i < d_in; i++) {
      const value = stream.gaussian();
      row[i] = value;
      square += value * value;
    }
    const scale = recipe.decoderInitNorm / Math.sqrt(square);
    for (let i = 0; i < d_in; i++) set(i, row[i]! * scale);
  };
  for (let j = 0; j < d_sae; j++) {
    draw((i, value) => {
      W_dec[j * d_in + i] = value;
      W_enc[i * d_sae + j] = value;
    });
  }
  const centring = new Float32Array(d_sae);
  if (recipe.transcode !== undefined) {
    const mean = meanOf(read, d_in);
    for (let j = 0; j < d_sae; j++) {
      draw((i, value) => {
        W_enc[i * d_sae + j] = value;
        centring[j]! -= value * mean[i]!;
      });
    }
  }
  const first = samples.subarray(0, biasInitSamples * d_in);
  const centre =
    recipe.biasInit === 'zeros'
      ? new Float32Array(d_in)
      : geometricMedian(first, d_in, recipe.weiszfeldIterations);
  const architecture = architectureOf(recipe);
  const own = architecture.initialise(recipe);
  if (recipe.transcode !== undefined) {
    for (const name of ['b_enc', 'b_gate', 'b_mag']) own[name]?.set(centring);
  }
  const made: Parameters = {
    ...own,
    W_enc,
    W_dec,
    b_dec: Float32Array.from(centre),
    W_skip: new Float32Array(recipe.transcode === 'skip' ? d_in * d_in : 0),
  };
  return mapParameters(architecture.parameters(recipe, d_in), (_, name) => made[name]!);
}

/** Of activations [count, d]. */
function meanOf(x: Float32Array, d: number): Float64Array {
  const mean = new Float64Array(d);
  x.forEach((value, at) => {
    mean[at % d]! += (value * d) / x.length;
  });
  return mean;
}
