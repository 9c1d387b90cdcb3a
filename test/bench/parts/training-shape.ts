/** What a training step is measured with: settings, activations and weights of one shape. */
import { random } from '../../../runner/math/random.ts';
import { type Recipe, recipe } from '../../../runner/train/recipe.ts';
import { freshState, type OptimiserState } from '../../../runner/train/state.ts';
import type { Shape } from './peer.ts';

/** Batches that take turns. */
export const BATCHES = 4;

export function settingsOf({ d_in, d_sae, k, tokens }: Shape): Recipe {
  return recipe.parse({ dSae: d_sae, k, kAux: d_in / 2, batchTokens: tokens, alphaAux: 1 / 32 });
}

/** Shapes as d/d_sae/k/tokens with commas between, with as many dead latents as dimensions. */
export function shapesOf(text: string): Shape[] {
  return text.split(',').map((each): Shape => {
    const [d_in, d_sae, k, tokens] = each.split('/').map(Number) as [number, number, number, number];
    return { d_in, d_sae, k, tokens, dead: d_in };
  });
}

/** Rows of unit norm, W_enc the transpose of W_dec. */
export function startOf({ d_in, d_sae }: Shape): OptimiserState {
  const stream = random('weights');
  const W_dec = Float32Array.from({ length: d_sae * d_in }, () => stream.next() - 0.5);
  const W_enc = new Float32Array(d_in * d_sae);
  for (let j = 0; j < d_sae; j++) {
    const row = W_dec.subarray(j * d_in, (j + 1) * d_in);
    const norm = Math.sqrt(row.reduce((sum, v) => sum + v * v, 0));
    row.forEach((v, i) => {
      row[i] = v / norm;
      W_enc[i * d_sae + j] = v / norm;
    });
  }
  return freshState({ W_enc, W_dec, b_enc: new Float32Array(d_sae), b_dec: new Float32Array(d_in) });
}

/** Sparse mixtures of four times as many directions as dimensions, off centre, with noise: [BATCHES · tokens, d_in]. */
export function activations({ d_in, tokens }: Shape): Float32Array {
  const stream = random('activations');
  const features = 4 * d_in;
  const directions = Float32Array.from({ length: features * d_in }, () => stream.next() - 0.5);
  const x = new Float32Array(BATCHES * tokens * d_in);
  for (let t = 0; t < BATCHES * tokens; t++) {
    const row = x.subarray(t * d_in, (t + 1) * d_in);
    for (let i = 0; i < d_in; i++) row[i] = 0.3 + 0.1 * (stream.next() - 0.5);
    for (let active = 0; active < 24; active++) {
      const from = stream.integer(features) * d_in;
      const strength = stream.next();
      for (let i = 0; i < d_in; i++) row[i]! += strength * directions[from + i]!;
    }
  }
  return x;
}
