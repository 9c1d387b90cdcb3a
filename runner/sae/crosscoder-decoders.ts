/** What the decoder of a crosscoder says of its latents: how long it is at each place, and which way it points there. */
import { cancellationPoint } from '../math/cancellation.ts';
import type { CrosscoderFile } from './checkpoints/crosscoder.ts';

export interface DecoderGeometry {
  /** Length of each latent's decoder at each place, of scaled activations [latents, places]. */
  norms: Float64Array;
  /** Of the decoders at the first and at the last place [latents]; not-a-number where one of them is 0. */
  cosines: Float64Array;
}

/** Latents read at once. */
const AT_ONCE = 4096;

/** @throws MalformedError for a decoder with numbers that are none */
export async function decoderGeometry({
  sae: { W_dec, d_sae },
  places,
  d,
}: Pick<CrosscoderFile, 'sae' | 'places' | 'd'>): Promise<DecoderGeometry> {
  const norms = new Float64Array(d_sae * places);
  const cosines = new Float64Array(d_sae);
  for (let from = 0; from < d_sae; from += AT_ONCE) {
    cancellationPoint();
    const to = Math.min(d_sae, from + AT_ONCE);
    const rows = await W_dec.block({ rows: [from, to], columns: [0, places * d] });
    for (let latent = from; latent < to; latent++) {
      const row = rows.subarray((latent - from) * places * d, (latent - from + 1) * places * d);
      for (let place = 0; place < places; place++)
        norms[latent * places + place] = Math.sqrt(dot(row, place * d, place * d, d));
      const product = norms[latent * places]! * norms[latent * places + places - 1]!;
      cosines[latent] = dot(row, 0, (places - 1) * d, d) / product;
    }
  }
  return { norms, cosines };
}

function dot(row: Float32Array, a: number, b: number, d: number): number {
  let sum = 0;
  for (let i = 0; i < d; i++) sum += row[a + i]! * row[b + i]!;
  return sum;
}

/** ‖last‖ / (‖first‖ + ‖last‖) of each latent with a decoder, of two places; not-a-number of one without. */
export function relativeNorms({ norms }: Pick<DecoderGeometry, 'norms'>): Float64Array {
  return Float64Array.from({ length: norms.length / 2 }, (_, latent) => {
    const [first, last] = [norms[2 * latent]!, norms[2 * latent + 1]!];
    return last / (first + last);
  });
}
