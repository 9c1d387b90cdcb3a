/** An SAE as it is before its first step: what suites score it at is worth nothing learned. */
import { cancellationPoint } from '../math/cancellation.ts';
import type { Random } from '../math/random.ts';
import { type Sae, topKSae } from '../sae/sae.ts';

/**
 * Random unit directions, [d_sae, d] row-major: the rows of its decoder.
 *
 * @param stream at its start
 */
export function untrainedDirections(d_sae: number, d: number, stream: Random): Float32Array {
  const rows = new Float32Array(d_sae * d);
  const row = new Float64Array(d);
  for (let latent = 0; latent < d_sae; latent++) {
    cancellationPoint();
    let squared = 0;
    for (let i = 0; i < d; i++) {
      row[i] = stream.gaussian();
      squared += row[i]! ** 2;
    }
    const norm = Math.sqrt(squared);
    for (let i = 0; i < d; i++) rows[latent * d + i] = row[i]! / norm;
  }
  return rows;
}

/**
 * A TopK SAE of random unit directions: the encoder is the decoder's transpose.
 *
 * @param b_dec the mean residual, [d]
 */
export function untrainedSae(
  { d_sae, k, d }: { d_sae: number; k: number; d: number },
  b_dec: Float32Array,
  stream: Random,
): Sae {
  const W_dec = untrainedDirections(d_sae, d, stream);
  const W_enc = new Float32Array(d_sae * d);
  for (let latent = 0; latent < d_sae; latent++)
    for (let i = 0; i < d; i++) W_enc[i * d_sae + latent] = W_dec[latent * d + i]!;
  return topKSae({ d_in: d, d_sae, k, W_enc, W_dec, b_enc: new Float32Array(d_sae), b_dec });
}

/**
 * A TopK transcoder of random unit directions, those of the encoder drawn after the decoder's; it reads its input centred.
 *
 * @param means of what it reads [d_in], and of what it reconstructs [d_out]
 */
export function untrainedTranscoder(
  { d_sae, k, d_in, d_out }: { d_sae: number; k: number; d_in: number; d_out: number },
  means: { input: Float32Array; mean: Float32Array },
  stream: Random,
): Sae {
  const W_dec = untrainedDirections(d_sae, d_out, stream);
  const rows = untrainedDirections(d_sae, d_in, stream);
  const W_enc = new Float32Array(d_in * d_sae);
  const b_enc = new Float32Array(d_sae);
  for (let latent = 0; latent < d_sae; latent++) {
    for (let i = 0; i < d_in; i++) {
      const value = rows[latent * d_in + i]!;
      W_enc[i * d_sae + latent] = value;
      b_enc[latent]! -= value * means.input[i]!;
    }
  }
  const parts = { d_in, d_sae, d_out, k, W_enc, W_dec, b_enc, b_dec: means.mean };
  return topKSae({ ...parts, apply_b_dec_to_input: false });
}

/** The mean of residuals [tokens, d]. */
export function meanResidual(x: Float32Array, d: number): Float32Array {
  const mean = new Float64Array(d);
  for (let at = 0; at < x.length; at++) mean[at % d]! += (x[at]! * d) / x.length;
  return Float32Array.from(mean);
}
