import { random } from '../../../runner/math/random.ts';
import { type Latents, type TopKSae, topKSae } from '../../../runner/sae/sae.ts';

export function gaussians(count: number, ...keys: (number | string)[]): Float32Array {
  const stream = random('sae-test', ...keys);
  return Float32Array.from({ length: count }, () => stream.gaussian());
}

/** Multiples of 1/4: sums of their products are exact in float32, so that ties and order are the same everywhere. */
export function quarters(values: Float32Array): Float32Array {
  return values.map((value) => Math.round(4 * value) / 4);
}

export function randomSae(
  d_in: number,
  d_sae: number,
  k: number,
  options: { seed?: number; exact?: boolean; apply_b_dec_to_input?: boolean } = {},
): TopKSae {
  const { seed = 0, exact = false, ...rest } = options;
  const draw = (count: number, name: string): Float32Array => {
    const values = gaussians(count, seed, name);
    return exact ? quarters(values) : values;
  };
  return topKSae({
    d_in,
    d_sae,
    k,
    W_enc: draw(d_in * d_sae, 'W_enc'),
    W_dec: draw(d_sae * d_in, 'W_dec'),
    b_enc: draw(d_sae, 'b_enc'),
    b_dec: draw(d_in, 'b_dec'),
    ...rest,
  });
}

/** Largest absolute difference over the largest expected magnitude. */
export function relativeDifference(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (found.length !== expected.length) return Number.POSITIVE_INFINITY;
  let difference = 0;
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    if (Number.isNaN(found[i])) return Number.POSITIVE_INFINITY;
    difference = Math.max(difference, Math.abs(found[i]! - expected[i]!));
    largest = Math.max(largest, Math.abs(expected[i]!));
  }
  return difference === 0 ? 0 : difference / largest;
}

/** Latents as a whole: [tokens, d_sae]. */
export function dense({ k, values, indices }: Latents, d_sae: number, tokens: number): Float32Array {
  const z = new Float32Array(tokens * d_sae);
  for (let slot = 0; slot < tokens * k; slot++) {
    if (values[slot]! > 0) z[Math.floor(slot / k) * d_sae + indices[slot]!] = values[slot]!;
  }
  return z;
}
