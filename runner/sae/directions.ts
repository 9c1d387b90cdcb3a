import { cancellationPoint } from '../math/cancellation.ts';
import { type Sae, undoneOnOutput } from './sae.ts';
import { isStored, type StoredSae } from './stored-sae.ts';

/** Rows of a decoder in the scale of x, read a block at a time: of a stored SAE no more than that is in memory. */
export interface DecoderRows {
  /** Rows, one per latent, and numbers of each. */
  d_sae: number;
  d: number;
  /** Rows from..to, the end excluded, [to − from, d]; not to be changed. @throws what reading the file throws */
  block(from: number, to: number): Promise<Float32Array>;
}

/** Null where a latent has no one direction, with the reason. */
export type Decoder = { rows: DecoderRows; reason?: never } | { rows: null; reason: string };

/** Rows that are read at once (12 MiB of a width of 768, 80 of 5,120). */
export const BLOCK_ROWS = 4_096;

/**
 * What one unit of each latent adds to the reconstruction, whatever the token: the decoder's rows in the scale of what is
 * reconstructed.
 */
export function decoderRows(sae: Sae | StoredSae): Decoder {
  const { d_in, d_sae, d_out: d = d_in } = sae;
  const normalisation = undoneOnOutput(sae);
  if (normalisation.kind === 'constant_norm_rescale' || normalisation.kind === 'layer_norm') {
    return {
      rows: null,
      reason: `the SAE undoes a normalisation of each token (${normalisation.kind}), so a latent has no one direction`,
    };
  }
  const scale = normalisation.kind === 'expected_average_only_in' ? 1 / normalisation.scale : 1;
  const rescaled = sae.architecture === 'topk' && sae.rescale_acts_by_decoder_norm;
  const stored = async (from: number, to: number): Promise<Float32Array> =>
    isStored(sae)
      ? sae.W_dec.block({ rows: [from, to], columns: [0, d] })
      : sae.W_dec.subarray(from * d, to * d);
  return {
    rows: {
      d_sae,
      d,
      async block(from, to) {
        const W_dec = await stored(from, to);
        return scale === 1 && !rescaled ? W_dec : rescaledRows(W_dec, d, scale, rescaled);
      },
    },
  };
}

/** As `decoderRows`, all of them in memory, [d_sae, d] row-major. @throws MalformedError where the file's checksum is another */
export async function decoderDirections(
  sae: Sae | StoredSae,
): Promise<{ rows: Float32Array } | { rows: null; reason: string }> {
  const { rows, reason } = decoderRows(sae);
  if (rows === null) return { rows, reason };
  if (isStored(sae)) await sae.W_dec.verify();
  return { rows: await rows.block(0, rows.d_sae) };
}

/** Some rows [asked, d], in the order asked for: only blocks that hold one are read. */
export async function pickedRows(rows: DecoderRows, asked: readonly number[]): Promise<Float32Array> {
  const { d, d_sae } = rows;
  const picked = new Float32Array(asked.length * d);
  const places = Map.groupBy(asked.keys(), (place) => Math.floor(asked[place]! / BLOCK_ROWS));
  for (const [block, here] of places) {
    cancellationPoint();
    const from = block * BLOCK_ROWS;
    const held = await rows.block(from, Math.min(d_sae, from + BLOCK_ROWS));
    for (const place of here) {
      const at = (asked[place]! - from) * d;
      picked.set(held.subarray(at, at + d), place * d);
    }
  }
  return picked;
}

function rescaledRows(W_dec: Float32Array, d: number, scale: number, byNorm: boolean): Float32Array {
  const rows = new Float32Array(W_dec.length);
  for (let from = 0; from < W_dec.length; from += d) {
    cancellationPoint();
    const to = from + d;
    const norm = byNorm
      ? Math.sqrt(W_dec.subarray(from, to).reduce((sum, value) => sum + value * value, 0))
      : 1;
    for (let i = from; i < to; i++) rows[i] = (W_dec[i]! * scale) / norm;
  }
  return rows;
}
