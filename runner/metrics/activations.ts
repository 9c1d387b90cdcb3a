/**
 * Sufficient statistics of the activations x at one hook, one set a row. A row is one packed row of tokens. They do not depend on any SAE: all SAEs at the hook share them.
 *
 * Memory: rows × width float64 for the sums of x (122 rows of 2,048 tokens at width 5,120: 5 MB).
 */
import { MalformedError } from '../errors.ts';
import { type Growable, growable } from '../math/growable.ts';

/** One row of activations as it comes from the language model. */
export interface ActivationRow {
  /** [tokens, width] row-major. */
  x: Float32Array;
  tokens: number;
  /** Non-zero for the tokens that count; all count where it is left out. */
  kept?: Uint8Array;
  /** Number of the document the row belongs to, the block of the bootstrap; by default its own. */
  document?: number;
  /** Number of the forward pass the row was part of, the chunk of var_exp@chunk-v1; by default its own. */
  pass?: number;
  /** Mean of x over the pass's kept tokens (`meanOfTokens`), for var_exp@saebench-legacy; by default the row's own. */
  passMean?: Float64Array;
}

/** What the statistics of a reconstruction need to know of the row it reconstructs. */
export interface RowMoments {
  row: ActivationRow;
  /** ‖x_t‖² per token; 0 for tokens not kept. */
  squares: Float64Array;
  /** ‖x_t − mean of the pass‖² per token; 0 for tokens not kept. */
  centred: Float64Array;
}

export interface ActivationTable {
  width: number;
  rows: number;
  /** Tokens kept, per row. */
  tokens: Float64Array;
  /** Σ x, [rows, width]. */
  sums: Float64Array;
  /** Σ ‖x‖², per row. */
  squares: Float64Array;
  /** Σ ‖x − mean of the row‖², per row. */
  centred: Float64Array;
  /** Forward pass of the row; rows of one pass need not follow one another. */
  passes: Int32Array;
}

export interface ActivationSums {
  /** Adds one row. Throws MalformedError for NaN or infinite activations, and then leaves the sums as they were. */
  add(row: ActivationRow): RowMoments;
  table(): ActivationTable;
}

export function activationSums(width: number): ActivationSums {
  const columns = {
    tokens: growable(),
    sums: growable(),
    squares: growable(),
    centred: growable(),
    passes: growable(),
  } satisfies Record<string, Growable>;

  return {
    add(row) {
      const { x, tokens, kept, passMean } = row;
      const number = columns.tokens.length;
      if (x.length !== tokens * width || (kept && kept.length !== tokens)) {
        throw new RangeError(`row ${number}: x of ${x.length} values for ${tokens} tokens × ${width}`);
      }
      const squares = new Float64Array(tokens);
      const centred = new Float64Array(tokens);
      const sums = new Float64Array(width);
      let count = 0;
      let squaresTotal = 0;
      for (let t = 0; t < tokens; t++) {
        if (kept?.[t] === 0) continue;
        count++;
        let square = 0;
        for (let i = 0, at = t * width; i < width; i++, at++) {
          const value = x[at]!;
          square += value * value;
          sums[i]! += value;
        }
        squares[t] = square;
        squaresTotal += square;
      }
      if (!Number.isFinite(squaresTotal)) {
        throw new MalformedError({
          thing: `activations of evaluation row ${number}`,
          found: 'NaN or an infinite value',
          expected: 'finite numbers',
          next: 'Run the language model in a wider number type (float16 overflows at 65,504).',
        });
      }
      const mean = sums.map((total) => total / count);
      let centredTotal = 0;
      for (let t = 0; t < tokens; t++) {
        if (kept?.[t] === 0) continue;
        const square = squaredDistance(x, t * width, mean);
        centredTotal += square;
        centred[t] = passMean ? squaredDistance(x, t * width, passMean) : square;
      }
      columns.tokens.push(count);
      columns.sums.append(sums);
      columns.squares.push(squaresTotal);
      columns.centred.push(centredTotal);
      columns.passes.push(row.pass ?? number);
      return { row, squares, centred };
    },
    table() {
      return {
        width,
        rows: columns.tokens.length,
        tokens: columns.tokens.toArray(),
        sums: columns.sums.toArray(),
        squares: columns.squares.toArray(),
        centred: columns.centred.toArray(),
        passes: Int32Array.from(columns.passes.toArray()),
      };
    },
  };
}

/**
 * Mean over the kept tokens of several rows laid end to end: of one forward pass.
 *
 * @param x [tokens, width]
 */
export function meanOfTokens(x: Float32Array, width: number, kept?: Uint8Array): Float64Array {
  const mean = new Float64Array(width);
  const tokens = x.length / width;
  let count = 0;
  for (let t = 0; t < tokens; t++) {
    if (kept?.[t] === 0) continue;
    count++;
    for (let i = 0, at = t * width; i < width; i++, at++) mean[i]! += x[at]!;
  }
  if (count > 0) for (let i = 0; i < width; i++) mean[i]! /= count;
  return mean;
}

/** ‖x[at..] − point‖² */
function squaredDistance(x: Float32Array, at: number, point: Float64Array): number {
  let square = 0;
  for (let i = 0; i < point.length; i++) {
    const away = x[at + i]! - point[i]!;
    square += away * away;
  }
  return square;
}
