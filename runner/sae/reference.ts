/**
 * SAE mathematics, slow and obvious: float64 sums, one token at a time. Programs and backends are compared with it
 * in tests; nothing else runs it.
 */
import type { Latents, Sae, SaeShape, SaeTensors } from './sae.ts';

/** Pre-activations of one token, float64 [d_sae]. */
export function preActivations(
  tensors: SaeTensors,
  { d_in, d_sae }: SaeShape,
  x: ArrayLike<number>,
  subtractBias: boolean,
): Float64Array {
  const pre = Float64Array.from(tensors.b_enc);
  for (let i = 0; i < d_in; i++) {
    const centred = x[i]! - (subtractBias ? tensors.b_dec[i]! : 0);
    for (let j = 0; j < d_sae; j++) pre[j]! += centred * tensors.W_enc[i * d_sae + j]!;
  }
  return pre;
}

/** Indices of the k largest values, largest first; of equal values the lowest index first. */
export function largest(values: ArrayLike<number>, k: number): number[] {
  return Array.from(values, (_, j) => j)
    .sort((a, b) => values[b]! - values[a]! || a - b)
    .slice(0, k);
}

/** @param x [tokens, d_in] */
export function encode(sae: Sae, x: Float32Array, tokens: number): Latents {
  const values = new Float32Array(tokens * sae.k);
  const indices = new Int32Array(tokens * sae.k);
  for (let t = 0; t < tokens; t++) {
    const row = x.subarray(t * sae.d_in, (t + 1) * sae.d_in);
    const pre = preActivations(sae, sae, row, sae.apply_b_dec_to_input);
    largest(pre, sae.k).forEach((j, slot) => {
      indices[t * sae.k + slot] = j;
      values[t * sae.k + slot] = Math.max(pre[j]!, 0);
    });
  }
  return { values, indices };
}

/** @returns x̂ [tokens, d_in] */
export function decode(sae: Sae, { values, indices }: Latents, tokens: number): Float32Array {
  const out = new Float32Array(tokens * sae.d_in);
  for (let t = 0; t < tokens; t++) {
    const sum = Float64Array.from(sae.b_dec);
    for (let slot = t * sae.k; slot < (t + 1) * sae.k; slot++) {
      const row = indices[slot]! * sae.d_in;
      for (let i = 0; i < sae.d_in; i++) sum[i]! += values[slot]! * sae.W_dec[row + i]!;
    }
    out.set(sum, t * sae.d_in);
  }
  return out;
}

export function reconstruct(
  sae: Sae,
  x: Float32Array,
  tokens: number,
): Latents & { reconstruction: Float32Array } {
  const latents = encode(sae, x, tokens);
  return { ...latents, reconstruction: decode(sae, latents, tokens) };
}
