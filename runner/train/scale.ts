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
 * Whether a batch has a variance that is more than rounding.
 *
 * @param centredSquares Σ‖x − mean of the batch‖²
 * @param squares Σ‖x‖²
 */
export function hasVariance(centredSquares: number, squares: number): boolean {
  return centredSquares > ROUNDING * squares;
}

/** The variance of a batch, or what text of its norms would have at the least where the batch has less. */
export function usualVariance(centredSquares: number, squares: number): number {
  return Math.max(centredSquares, USUAL_SHARE * squares);
}
