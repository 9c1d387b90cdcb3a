/**
 * The scale that a batch's squared numbers are judged by. A long document of one character gives batches whose tokens
 * are all the same but for rounding: measured against their own variance any reconstruction is infinitely bad, though
 * nothing is wrong with the SAE.
 */

/**
 * A variance below this share of Σ‖x‖² is rounding: tokens that differ by less than a thousandth of their norm, which
 * leaves room for bfloat16 (2^-9).
 */
const ROUNDING = 2 ** -18;

/**
 * Variance of text as a share of Σ‖x‖², at the least. Residuals have a mean that may be most of their norm; of whole
 * text the variance around it is a tenth of Σ‖x‖² or more.
 */
const USUAL_SHARE = 0.01;

/**
 * Whether a batch [tokens, d] has a variance that is more than rounding.
 *
 * @param centredSquares Σ‖x − mean of the batch‖²
 */
export function hasVariance(centredSquares: number, batch: Float32Array, d: number): boolean {
  // Tokens that are all the same have the first one's norm; only where that speaks for rounding are all of them read.
  const first = (squares(batch.subarray(0, d)) * batch.length) / d;
  if (centredSquares > ROUNDING * first) return centredSquares > 0;
  return centredSquares > ROUNDING * squares(batch);
}

/** The variance of a batch, or what text of its norms would have at the least where the batch has less. */
export function usualVariance(centredSquares: number, batch: Float32Array): number {
  return Math.max(centredSquares, USUAL_SHARE * squares(batch));
}

function squares(x: Float32Array): number {
  let sum = 0;
  for (const value of x) sum += value * value;
  return sum;
}
