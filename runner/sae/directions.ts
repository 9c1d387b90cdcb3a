import { cancellationPoint } from '../math/cancellation.ts';
import type { Sae } from './sae.ts';
import { isStored, type StoredSae } from './stored-sae.ts';

/**
 * What one unit of a latent adds to the reconstruction, [d_sae, d_in] row-major, whatever the token: the decoder's rows
 * in the scale of x. Null where there is no such direction, with the reason.
 */
export async function decoderDirections(
  sae: Sae | StoredSae,
): Promise<{ rows: Float32Array } | { rows: null; reason: string }> {
  const { d_in, d_sae, normalisation } = sae;
  if (sae.d_out !== undefined || sae.W_skip !== undefined) {
    return { rows: null, reason: 'a transcoder does not reconstruct the residual it reads' };
  }
  if (normalisation.kind === 'constant_norm_rescale' || normalisation.kind === 'layer_norm') {
    return {
      rows: null,
      reason: `the SAE undoes a normalisation of each token (${normalisation.kind}), so a latent has no one direction`,
    };
  }
  const scale = normalisation.kind === 'expected_average_only_in' ? 1 / normalisation.scale : 1;
  const rescaled = sae.architecture === 'topk' && sae.rescale_acts_by_decoder_norm;
  const W_dec = isStored(sae) ? await sae.W_dec.read() : sae.W_dec;
  if (scale === 1 && !rescaled) return { rows: W_dec };
  const rows = new Float32Array(W_dec.length);
  for (let latent = 0; latent < d_sae; latent++) {
    cancellationPoint();
    const [from, to] = [latent * d_in, (latent + 1) * d_in];
    const norm = rescaled
      ? Math.sqrt(W_dec.subarray(from, to).reduce((sum, value) => sum + value * value, 0))
      : 1;
    for (let i = from; i < to; i++) rows[i] = (W_dec[i]! * scale) / norm;
  }
  return { rows };
}
