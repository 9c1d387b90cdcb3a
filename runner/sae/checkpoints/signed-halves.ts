/** Signed latents (AbsTopK: the k of largest |pre|, their signs kept) as latents that are never negative. */
import { type StoredMatrix, turnedOf } from '../../formats/stored-matrix.ts';
import { joined } from '../../math/joined.ts';
import type { TopKSae } from '../sae.ts';
import type { Stored } from '../stored-sae.ts';

/**
 * The same SAE with two latents for each: j is what the signed latent is above 0, d_sae + j what it is below, with the opposite
 * direction. The k largest of pre and −pre are the k of largest |pre|, so it is a TopK SAE that reconstructs the same.
 */
export function signedHalves(sae: Stored<TopKSae>, conversions: string[]): Stored<TopKSae> {
  const { d_sae, W_enc, W_dec, b_enc } = sae;
  conversions.push(
    `abstopk: each of the ${d_sae} signed latents as two that are not negative: j where it is above 0, ${d_sae} + j where it is below`,
  );
  return {
    ...sae,
    d_sae: 2 * d_sae,
    W_enc: turnedOf(withNegative(W_enc.turned())),
    W_dec: withNegative(W_dec),
    b_enc: joined([b_enc, b_enc.map((value) => -value)]),
  };
}

/** The matrix, and below it the same with the other sign: [2·rows, columns]. */
function withNegative(matrix: StoredMatrix): StoredMatrix {
  const { rows, columns, dtype } = matrix;
  const negative = (data: Float32Array): Float32Array => data.map((value) => -value);
  const made: StoredMatrix = {
    rows: 2 * rows,
    columns,
    dtype,
    place: null,
    verify: () => matrix.verify(),
    async block({ rows: [from, to], columns: across }) {
      const above = [Math.min(from, rows), Math.min(to, rows)] as const;
      const below = [Math.max(from, rows) - rows, Math.max(to, rows) - rows] as const;
      const [first, second] = await Promise.all([
        matrix.block({ rows: above, columns: across }),
        matrix.block({ rows: below, columns: across }),
      ]);
      return joined([first, negative(second)]);
    },
    async read() {
      const data = await matrix.read();
      return joined([data, negative(data)]);
    },
    turned: () => turnedOf(made),
  };
  return made;
}
