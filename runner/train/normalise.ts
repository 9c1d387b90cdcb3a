/** Activations as the recipe's normalisation gives them to the SAE. */
import { LAYER_NORM_EPSILON, type Normalisation } from '../sae/sae.ts';
import type { Recipe } from './recipe.ts';

/**
 * The normalisation that the SAE will carry. Its scale, where it has one, is √d over the mean norm of the samples, so
 * that scaled activations have a mean squared norm of about d.
 *
 * @param samples activations [count, d]
 */
export function estimateNormalisation(
  kind: Recipe['normalisation'],
  samples: Float32Array,
  d: number,
): Normalisation {
  if (kind !== 'expected_average_only_in') return { kind };
  let norms = 0;
  for (let from = 0; from < samples.length; from += d) norms += norm(samples, from, d);
  const mean = norms / (samples.length / d);
  if (!(mean > 0)) throw new RangeError('activations of norm 0 have no scale');
  return { kind, scale: Math.sqrt(d) / mean };
}

/** Whether a normalisation multiplies all activations by one number, if by any. */
export function scaledAlike(kind: Recipe['normalisation']): boolean {
  return kind === 'none' || kind === 'expected_average_only_in';
}

/** What all activations are multiplied by alike, a float32 as programs have it; null where it is another number for each token. */
export function scaleOf(normalisation: Normalisation): number | null {
  switch (normalisation.kind) {
    case 'none':
      return 1;
    case 'expected_average_only_in':
      return Math.fround(normalisation.scale);
    default:
      return null;
  }
}

/** x' of activations [tokens, d]: the array itself where nothing is done to it, else a new one. */
export function normalise(normalisation: Normalisation, x: Float32Array, d: number): Float32Array {
  switch (normalisation.kind) {
    case 'none':
      return x;
    case 'expected_average_only_in':
      return x.map((value) => value * scaleOf(normalisation)!);
    case 'constant_norm_rescale':
      return perToken(x, d, (from) => ({ shift: 0, factor: Math.sqrt(d) / norm(x, from, d) }));
    case 'layer_norm':
      return perToken(x, d, (from) => {
        let sum = 0;
        for (let i = from; i < from + d; i++) sum += x[i]!;
        const shift = sum / d;
        let squares = 0;
        for (let i = from; i < from + d; i++) squares += (x[i]! - shift) ** 2;
        return { shift, factor: 1 / (Math.sqrt(squares / (d - 1)) + LAYER_NORM_EPSILON) };
      });
    default:
      return normalisation satisfies never;
  }
}

function perToken(
  x: Float32Array,
  d: number,
  of: (from: number) => { shift: number; factor: number },
): Float32Array {
  const out = new Float32Array(x.length);
  for (let from = 0; from < x.length; from += d) {
    const { shift, factor } = of(from);
    for (let i = from; i < from + d; i++) out[i] = (x[i]! - shift) * factor;
  }
  return out;
}

function norm(x: Float32Array, from: number, d: number): number {
  let squares = 0;
  for (let i = from; i < from + d; i++) squares += x[i]! ** 2;
  return Math.sqrt(squares);
}
