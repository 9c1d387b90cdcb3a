/**
 * Sufficient statistics of one SAE's reconstruction x̂ of the activations x, e = x − x̂, one set a row. Every variant
 * of explained variance, error, cosine and shrinkage is a formula of these and of the activations' own.
 *
 * Memory: rows × width float64 for the sums of e.
 */
import { MalformedError } from '../errors.ts';
import { growable } from '../math/growable.ts';
import type { RowMoments } from './activations.ts';

/** Columns with one float64 per row; sums are over the tokens the mask keeps. */
const NAMES = [
  'tokens',
  /** Σ ‖e‖² */
  'errors',
  /** Σ ‖x̂‖² */
  'outputs',
  /** Σ x·x̂ */
  'products',
  /** Σ x·x̂ / (‖x‖ ‖x̂‖); a token whose x̂ is zero adds 0, as in PyTorch */
  'cosines',
  /** Σ ‖x̂‖ / ‖x‖ */
  'ratios',
  /** Σ ‖e‖² / ‖x − mean of the pass‖² */
  'legacy',
  /** Tokens with x = 0: cosine and norm ratio are undefined there. */
  'zeros',
  /** Tokens with x equal to its pass's mean: the per-token variance explained is undefined there. */
  'flat',
] as const;

type Name = (typeof NAMES)[number];

export type ReconstructionTable = Record<Name, Float64Array> & {
  width: number;
  rows: number;
  /** Σ e, [rows, width]. */
  errorSums: Float64Array;
};

export interface ReconstructionSums {
  /**
   * Adds the reconstruction [tokens, width] of the row that `activationSums.add` gave these moments for. Throws
   * MalformedError for NaN or infinite values, and then leaves the sums as they were.
   */
  add(moments: RowMoments, reconstruction: Float32Array): void;
  table(): ReconstructionTable;
}

export function reconstructionSums(width: number): ReconstructionSums {
  const columns = Object.fromEntries(NAMES.map((name) => [name, growable()]));
  const errorSums = growable();

  return {
    add({ row, squares, centred }, reconstruction) {
      const { x, tokens, kept } = row;
      const number = columns.tokens!.length;
      if (reconstruction.length !== x.length) {
        throw new RangeError(
          `row ${number}: reconstruction of ${reconstruction.length} values, x of ${x.length}`,
        );
      }
      const rowErrors = new Float64Array(width);
      const totals: Record<Name, number> = {
        tokens: 0,
        errors: 0,
        outputs: 0,
        products: 0,
        cosines: 0,
        ratios: 0,
        legacy: 0,
        zeros: 0,
        flat: 0,
      };
      for (let t = 0; t < tokens; t++) {
        if (kept?.[t] === 0) continue;
        let error = 0;
        let output = 0;
        let product = 0;
        for (let i = 0, at = t * width; i < width; i++, at++) {
          const value = x[at]!;
          const out = reconstruction[at]!;
          const away = value - out;
          rowErrors[i]! += away;
          error += away * away;
          output += out * out;
          product += value * out;
        }
        totals.tokens++;
        totals.errors += error;
        totals.outputs += output;
        totals.products += product;
        const square = squares[t]!;
        if (square === 0) totals.zeros++;
        else {
          totals.ratios += Math.sqrt(output / square);
          // Not √(a·b): the product of two small squares may underflow.
          if (output > 0) totals.cosines += product / (Math.sqrt(square) * Math.sqrt(output));
        }
        if (centred[t] === 0) totals.flat++;
        else totals.legacy += error / centred[t]!;
      }
      if (!Number.isFinite(totals.errors + totals.outputs + totals.products)) {
        throw new MalformedError({
          thing: `reconstruction of evaluation row ${number}`,
          found: 'NaN or an infinite value',
          expected: 'finite numbers',
          next: 'Check the SAE’s weights and the number type it runs in.',
        });
      }
      for (const name of NAMES) columns[name]!.push(totals[name]);
      errorSums.append(rowErrors);
    },
    table() {
      const entries = NAMES.map((name) => [name, columns[name]!.toArray()] as const);
      return {
        ...(Object.fromEntries(entries) as Record<Name, Float64Array>),
        width,
        rows: columns.tokens!.length,
        errorSums: errorSums.toArray(),
      };
    },
  };
}
