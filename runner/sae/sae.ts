import { createHash } from 'node:crypto';

/**
 * The one form in which the project holds an SAE. Field and tensor names are those of the published checkpoints
 * (W_enc, d_sae, apply_b_dec_to_input); every convention is a field, none is inferred from a name.
 *
 * topk (Gao et al. 2024, arXiv 2406.04093): pre = (x − b_dec)·W_enc + b_enc; the k largest pre are kept, of equal
 * ones the lowest index; z = relu of those; x̂ = z·W_dec + b_dec.
 */
export interface TopKSae extends SaeTensors {
  architecture: 'topk';
  /** Width of the residual stream. */
  d_in: number;
  /** Number of latents. */
  d_sae: number;
  /** Latents kept a token, 1..d_sae. */
  k: number;
  /** Whether b_dec is subtracted from x before encoding. It is always added in decoding. */
  apply_b_dec_to_input: boolean;
  /** What is done to x before encoding and undone on x̂. */
  normalisation: 'none';
}

/** Row-major float32. */
export interface SaeTensors {
  /** [d_in, d_sae] */
  W_enc: Float32Array;
  /** [d_sae, d_in] */
  W_dec: Float32Array;
  /** [d_sae] */
  b_enc: Float32Array;
  /** [d_in] */
  b_dec: Float32Array;
}

/** Discriminated by `architecture`; the others that formats know become members of this union. */
export type Sae = TopKSae;

/** Latents of T tokens, k slots a token: z[t, indices[t·k + s]] = values[t·k + s], everything else 0. */
export interface Latents {
  /** [T, k], largest first, never negative. */
  values: Float32Array;
  /** [T, k]; a slot whose value is 0 still names the latent that was selected. */
  indices: Int32Array;
}

export const tensorNames = ['W_enc', 'W_dec', 'b_enc', 'b_dec'] as const;

export type TensorName = (typeof tensorNames)[number];

export interface SaeShape {
  d_in: number;
  d_sae: number;
}

export function tensorShape(name: TensorName, { d_in, d_sae }: SaeShape): readonly number[] {
  switch (name) {
    case 'W_enc':
      return [d_in, d_sae];
    case 'W_dec':
      return [d_sae, d_in];
    case 'b_enc':
      return [d_sae];
    case 'b_dec':
      return [d_in];
  }
}

export function tensorLength(name: TensorName, shape: SaeShape): number {
  return tensorShape(name, shape).reduce((product, size) => product * size, 1);
}

/**
 * A new SAE of the given tensors, which are not copied.
 *
 * @throws RangeError when a tensor's length or k does not fit d_in and d_sae
 */
export function topKSae(
  parts: SaeShape & SaeTensors & { k: number; apply_b_dec_to_input?: boolean },
): TopKSae {
  const { d_in, d_sae, k, W_enc, W_dec, b_enc, b_dec, apply_b_dec_to_input = true } = parts;
  for (const name of tensorNames) {
    const expected = tensorLength(name, parts);
    if (parts[name].length !== expected) {
      throw new RangeError(`${name}: ${parts[name].length} values, expected ${expected}`);
    }
  }
  if (!Number.isInteger(k) || k < 1 || k > d_sae) throw new RangeError(`k = ${k}, expected 1..${d_sae}`);
  return {
    architecture: 'topk',
    d_in,
    d_sae,
    k,
    apply_b_dec_to_input,
    normalisation: 'none',
    W_enc,
    W_dec,
    b_enc,
    b_dec,
  };
}

/**
 * Content hash of the tensors, whatever file they came from: SHA-256 over, in the order W_enc, W_dec, b_enc, b_dec,
 * a line "name F32 [shape]\n" and the little-endian bytes.
 */
export function tensorsSha256(sae: Sae): string {
  const hash = createHash('sha256');
  for (const name of tensorNames) {
    const { buffer, byteOffset, byteLength } = sae[name];
    hash.update(`${name} F32 [${tensorShape(name, sae).join(',')}]\n`);
    hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  }
  return hash.digest('hex');
}
