/** Figures of a crosscoder: of its decoders, which take no text, and of its places. */
import { type DecoderGeometry, relativeNorms } from '../sae/crosscoder-decoders.ts';

/** Relative norms up to which a latent is of the first place alone, between which it is shared, and from which it is of the second alone. */
export const FIRST_UP_TO = 0.1;
export const SHARED = [0.4, 0.6] as const;
export const SECOND_FROM = 0.9;

/** Latents by the lengths of their decoders; of two places by the relative norm ‖second‖ / (‖first‖ + ‖second‖). */
export type DecoderShares = {
  /** Mean share of a latent's decoder length that each place has. */
  share: number[];
  /** Latents without a decoder. */
  none: number;
} & (
  | { kind: 'two'; first: number; shared: number; second: number; between: number }
  /** Latents whose decoder is longest at each place. */
  | { kind: 'several'; longest: number[] }
);

export function decoderShares({ norms }: DecoderGeometry, places: number): DecoderShares {
  const latents = norms.length / places;
  const sums = new Float64Array(places);
  const longest = Array.from({ length: places }, () => 0);
  let none = 0;
  for (let latent = 0; latent < latents; latent++) {
    const each = norms.subarray(latent * places, (latent + 1) * places);
    const sum = each.reduce((a, b) => a + b, 0);
    if (sum === 0) {
      none++;
      continue;
    }
    for (let place = 0; place < places; place++) sums[place]! += each[place]! / sum;
    longest[each.indexOf(Math.max(...each))]!++;
  }
  const share = [...sums.map((each) => (latents === none ? 0 : each / (latents - none)))];
  if (places !== 2) return { kind: 'several', share, none, longest };
  const relative = relativeNorms({ norms });
  const count = (of: (norm: number) => boolean): number => relative.filter(of).length;
  const first = count((norm) => norm <= FIRST_UP_TO);
  const second = count((norm) => norm >= SECOND_FROM);
  const shared = count((norm) => norm >= SHARED[0] && norm <= SHARED[1]);
  return {
    kind: 'two',
    share,
    none,
    first,
    shared,
    second,
    between: latents - none - first - shared - second,
  };
}
