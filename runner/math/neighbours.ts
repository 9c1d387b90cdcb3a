/** Which decoder rows of an SAE lie nearest to some of its rows, by cosine, a block of rows at a time. */
import { cancellationPoint } from './cancellation.ts';

export interface Neighbour {
  latent: number;
  cosine: number;
}

/** Rows whose products are taken together: they stay in the processor's cache. */
const BLOCK = 64;

/**
 * @param rows [d_sae, d] row-major; a row of zeros is nobody's neighbour and has none
 * @param latents whose neighbours are asked for; memory is that of `most` for each
 * @returns of each the nearest others, the nearest first
 */
export function nearestRows(
  rows: Float32Array,
  d: number,
  latents: readonly number[],
  most: number,
): Neighbour[][] {
  const count = rows.length / d;
  const norms = new Float64Array(count);
  for (let row = 0; row < count; row++) {
    let square = 0;
    for (let i = row * d; i < (row + 1) * d; i++) square += rows[i]! * rows[i]!;
    norms[row] = Math.sqrt(square);
  }
  const found = latents.map((): Neighbour[] => []);
  for (let from = 0; from < count; from += BLOCK) {
    const to = Math.min(count, from + BLOCK);
    latents.forEach((latent, which) => {
      cancellationPoint();
      if (norms[latent] === 0) return;
      for (let other = from; other < to; other++) {
        if (other === latent || norms[other] === 0) continue;
        let product = 0;
        const [a, b] = [latent * d, other * d];
        for (let i = 0; i < d; i++) product += rows[a + i]! * rows[b + i]!;
        keep(found[which]!, { latent: other, cosine: product / (norms[latent]! * norms[other]!) }, most);
      }
    });
  }
  return found;
}

/** Inserts into a list of at most `most`, largest first; of equal ones the first stays before. */
function keep(list: Neighbour[], one: Neighbour, most: number): void {
  if (list.length === most && !(one.cosine > (list.at(-1)?.cosine ?? Number.NEGATIVE_INFINITY))) return;
  let place = list.length;
  while (place > 0 && list[place - 1]!.cosine < one.cosine) place--;
  list.splice(place, 0, one);
  if (list.length > most) list.pop();
}
