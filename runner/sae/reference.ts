/**
 * SAE mathematics, slow and obvious: float64 sums, one token at a time. Programs and backends are compared with it
 * in tests; nothing else runs it.
 */
import { predict } from './reference-context.ts';
import {
  LAYER_NORM_EPSILON,
  type Latents,
  type MatchingPursuitSae,
  type Normalisation,
  type Sae,
  type SaeShape,
  type SaeTensors,
  undoneOnOutput,
} from './sae.ts';

/** Pre-activations of one token, float64 [d_sae]. */
export function preActivations(
  tensors: Pick<SaeTensors, 'W_enc' | 'b_enc' | 'b_dec'>,
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

/** One token's x' = (x − shift)·factor, and what undoes it: x̂·undo + shift. */
function normaliser(
  normalisation: Normalisation,
  x: Float32Array,
): { shift: number; factor: number; undo: number } {
  switch (normalisation.kind) {
    case 'none':
      return { shift: 0, factor: 1, undo: 1 };
    case 'expected_average_only_in':
      return { shift: 0, factor: normalisation.scale, undo: 1 / normalisation.scale };
    case 'constant_norm_rescale': {
      const factor = Math.sqrt(x.length) / Math.hypot(...x);
      return { shift: 0, factor, undo: 1 / factor };
    }
    case 'layer_norm': {
      const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
      const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (x.length - 1);
      const std = Math.sqrt(variance);
      return { shift: mean, factor: 1 / (std + LAYER_NORM_EPSILON), undo: std };
    }
  }
}

function decoderNorms({ W_dec, d_in, d_sae, d_out = d_in }: Sae): Float64Array {
  return Float64Array.from({ length: d_sae }, (_, j) =>
    Math.hypot(...W_dec.subarray(j * d_out, (j + 1) * d_out)),
  );
}

/** Matching pursuit from r on, which is changed: z, all d_sae of them. */
function pursued(sae: MatchingPursuitSae, r: Float64Array): Float64Array {
  const { d_in, d_sae, W_dec, residual_threshold } = sae;
  const z = new Float64Array(d_sae);
  for (let step = 0; step < sae.max_iterations; step++) {
    const along = Float64Array.from({ length: d_sae }, (_, j) =>
      r.reduce((sum, value, i) => sum + value * W_dec[j * d_in + i]!, 0),
    );
    const [at] = largest(along, 1) as [number];
    const value = Math.max(along[at]!, 0);
    const further = value > 0 && z[at] === 0;
    z[at]! += value;
    for (let i = 0; i < d_in; i++) r[i]! -= value * W_dec[at * d_in + i]!;
    if (!further && sae.stop_on_duplicate_support) break;
    if (residual_threshold > 0 && Math.hypot(...r) < residual_threshold) break;
  }
  return z;
}

/** z of one token, all d_sae of them; of topk the pre-activations, which `encode` selects from. */
function dense(sae: Sae, row: Float32Array): Float64Array {
  const { shift, factor } = normaliser(sae.normalisation, row);
  const x = Float64Array.from(row, (value) => (value - shift) * factor);
  if (sae.architecture === 'matching_pursuit')
    return pursued(sae, sae.apply_b_dec_to_input ? x.map((value, i) => value - sae.b_dec[i]!) : x);
  const b_enc = sae.architecture === 'gated' ? new Float32Array(sae.d_sae) : sae.b_enc;
  const pre = preActivations({ ...sae, b_enc }, sae, x, sae.apply_b_dec_to_input);
  switch (sae.architecture) {
    case 'topk': {
      if (!sae.rescale_acts_by_decoder_norm) return pre;
      const norms = decoderNorms(sae);
      return pre.map((value, j) => value * norms[j]!);
    }
    case 'relu':
      return pre.map((value) => Math.max(value, 0));
    case 'groupmax': {
      const width = sae.d_sae / sae.k;
      const z = new Float64Array(sae.d_sae);
      for (let from = 0; from < sae.d_sae; from += width) {
        const [at] = largest(pre.subarray(from, from + width), 1) as [number];
        z[from + at] = Math.max(pre[from + at]!, 0);
      }
      return z;
    }
    case 'jumprelu':
    case 'batchtopk':
    case 'matryoshka':
      return pre.map((value, j) => (value > sae.threshold[j]! ? Math.max(value, 0) : 0));
    case 'gated':
      return pre.map((value, j) =>
        value + sae.b_gate[j]! > 0 ? Math.max(value * Math.exp(sae.r_mag[j]!) + sae.b_mag[j]!, 0) : 0,
      );
  }
}

/** A temporal SAE's prediction of x [tokens, d_in] (texts of `sequence` tokens each), the rest of x, and the SAE that encodes the rest. */
function predictedOf(
  sae: Sae,
  x: Float32Array,
  tokens: number,
  sequence: number,
): { predicted: Float64Array[]; rest: Float32Array; bare: Sae } {
  const { d_in, context, normalisation, ...others } = sae;
  const predicted: Float64Array[] = [];
  const rest = new Float32Array(x.length);
  for (let from = 0; from < tokens; from += sequence) {
    const rows = Array.from({ length: sequence }, (_, t) => {
      const row = x.subarray((from + t) * d_in, (from + t + 1) * d_in);
      const { shift, factor } = normaliser(normalisation, row);
      return Float64Array.from(
        row,
        (value, i) => (value - shift) * factor - (sae.apply_b_dec_to_input ? sae.b_dec[i]! : 0),
      );
    });
    const found = predict(sae, context!, rows);
    predicted.push(...found.predicted);
    found.rest.forEach((row, t) => {
      rest.set(row, (from + t) * d_in);
    });
  }
  const bare = { ...others, d_in, normalisation: { kind: 'none' }, apply_b_dec_to_input: false } as Sae;
  return { predicted, rest, bare };
}

/**
 * @param x [tokens, d_in]
 * @param sequence tokens of each text in it, of a temporal SAE
 */
export function encode(sae: Sae, x: Float32Array, tokens: number, sequence = tokens): Latents {
  if (sae.context !== undefined) {
    const { bare, rest } = predictedOf(sae, x, tokens, sequence);
    return encode(bare, rest, tokens);
  }
  const z = Array.from({ length: tokens }, (_, t) =>
    dense(sae, x.subarray(t * sae.d_in, (t + 1) * sae.d_in)),
  );
  const active = (row: Float64Array): number => row.reduce((count, value) => count + Number(value > 0), 0);
  const k = sae.architecture === 'topk' ? sae.k : Math.max(1, ...z.map(active));
  const values = new Float32Array(tokens * k);
  const indices = new Int32Array(tokens * k);
  z.forEach((row, t) => {
    largest(row, k).forEach((j, slot) => {
      const value = Math.max(row[j]!, 0);
      if (value > 0 || sae.architecture === 'topk') indices[t * k + slot] = j;
      values[t * k + slot] = value;
    });
  });
  return { k, values, indices };
}

/**
 * @param x [tokens, d_in], what the latents were encoded from: asked for where decoding needs it
 * @returns x̂ [tokens, d_out]
 */
export function decode(
  sae: Sae,
  { k, values, indices }: Latents,
  tokens: number,
  x: Float32Array = new Float32Array(tokens * sae.d_in).fill(Number.NaN),
  sequence = tokens,
): Float32Array {
  if (sae.context !== undefined) {
    const { bare, predicted } = predictedOf(sae, x, tokens, sequence);
    const { undo } = normaliser(sae.normalisation, x.subarray(0, sae.d_in));
    const decoded = decode(bare, { k, values, indices }, tokens);
    return decoded.map((value, at) => (value + predicted[Math.floor(at / sae.d_in)]![at % sae.d_in]!) * undo);
  }
  const { d_in, d_out = d_in, W_skip } = sae;
  const rescaled = sae.architecture === 'topk' && sae.rescale_acts_by_decoder_norm;
  const norms = rescaled ? decoderNorms(sae) : null;
  const out = new Float32Array(tokens * d_out);
  for (let t = 0; t < tokens; t++) {
    const row = x.subarray(t * d_in, (t + 1) * d_in);
    const sum = Float64Array.from(sae.b_dec);
    for (let slot = t * k; slot < (t + 1) * k; slot++) {
      const j = indices[slot]!;
      const z = values[slot]! / (norms?.[j] ?? 1);
      for (let i = 0; i < d_out; i++) sum[i]! += z * sae.W_dec[j * d_out + i]!;
    }
    const { shift, undo } = normaliser(undoneOnOutput(sae), row);
    for (let i = 0; i < d_out; i++) {
      sum[i] = sum[i]! * undo + shift;
      if (W_skip) for (let from = 0; from < d_in; from++) sum[i]! += row[from]! * W_skip[i * d_in + from]!;
    }
    out.set(sum, t * d_out);
  }
  return out;
}

export function reconstruct(
  sae: Sae,
  x: Float32Array,
  tokens: number,
  sequence = tokens,
): Latents & { reconstruction: Float32Array } {
  const latents = encode(sae, x, tokens, sequence);
  return { ...latents, reconstruction: decode(sae, latents, tokens, x, sequence) };
}
