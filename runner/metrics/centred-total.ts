/** Sums of squared distances of x from a mean: the denominators of explained variance. */

import { cancellationPoint } from '../math/cancellation.ts';
import { gram } from '../math/gram.ts';
import type { ActivationTable } from './activations.ts';
import { type Resamples, sumsOfBlocks } from './bootstrap.ts';
import { type Estimate, sumOf } from './statistic.ts';

/**
 * Σ ‖x − mean‖² over all tokens, the mean taken over the same tokens (in a resample: over its own tokens). It is
 * the same for all SAEs at the hook; compute it once.
 *
 * With c_r the centred sum of row r, s_r = Σ_r (x − m) about the overall mean m, T_r its tokens and w_r the times it
 * was drawn, the total is Σ w_r (c_r + ‖s_r‖²/T_r) − ‖Σ w_r s_r‖² / Σ w_r T_r. Rows of one document are drawn together,
 * so sums over its rows are enough. The last term is a quadratic form in w: over documents [blocks, blocks] or over
 * dimensions [blocks, width], whichever is less work. Both are exact.
 */
export function centredTotal(table: ActivationTable, resamples: Resamples): Estimate {
  const { width, tokens } = table;
  const shifted = shiftedSums(table);
  const perRow = Float64Array.from(table.centred, (within, row) => {
    const between = squaredNorm(shifted, row, width);
    return tokens[row]! > 0 ? within + between / tokens[row]! : within;
  });
  const total = sumOf(perRow, resamples);
  const drawnTokens = sumOf(tokens, resamples);
  const about = sumsOfBlocks(perRow, resamples);
  const tokensOf = sumsOfBlocks(tokens, resamples);
  const sums = sumsOfBlocks(shifted, resamples, width);
  const { count, blocks } = resamples;
  const byBlocks =
    (blocks * blocks * width) / 2 + 0.2 * count * blocks * blocks < 0.63 * count * blocks * width;
  const squared = byBlocks
    ? quadraticForms(gram(sums, blocks, width), resamples)
    : squaredSums(sums, width, resamples);
  const samples = total.samples.map((value, b) => {
    const drawn = drawnTokens.samples[b]!;
    return drawn > 0 ? Math.max(0, value - squared[b]! / drawn) : 0;
  });
  // At the point itself Σ s_r is zero by the choice of m; without a block it is minus that block's.
  const values = Float64Array.from(about, (own, block) => {
    const left = drawnTokens.value - tokensOf[block]!;
    return left > 0 ? Math.max(0, total.value - own - squaredNorm(sums, block, width) / left) : 0;
  });
  return { ...total, samples, leftOut: [{ resamples, values }] };
}

/** ‖the numbered row of [rows, width]‖² */
function squaredNorm(values: Float64Array, row: number, width: number): number {
  let squared = 0;
  for (let i = row * width; i < (row + 1) * width; i++) squared += values[i]! * values[i]!;
  return squared;
}

/**
 * Σ ‖x − mean of the chunk‖², a row; a chunk is the tokens of one forward pass. In resamples the chunk means stay
 * those of the data.
 */
export function chunkCentred(table: ActivationTable): Float64Array {
  const { rows, width, tokens, sums, passes } = table;
  const chunks = new Map<number, { tokens: number; sums: Float64Array }>();
  for (let row = 0; row < rows; row++) {
    const chunk = chunks.get(passes[row]!) ?? { tokens: 0, sums: new Float64Array(width) };
    chunk.tokens += tokens[row]!;
    for (let i = 0; i < width; i++) chunk.sums[i]! += sums[row * width + i]!;
    chunks.set(passes[row]!, chunk);
  }
  return Float64Array.from(table.centred, (within, row) => {
    const count = tokens[row]!;
    if (count === 0) return within;
    const chunk = chunks.get(passes[row]!)!;
    let between = 0;
    for (let i = 0; i < width; i++) {
      const away = sums[row * width + i]! / count - chunk.sums[i]! / chunk.tokens;
      between += away * away;
    }
    return within + count * between;
  });
}

/** Σ_r (x − m), [rows, width], m the mean over all tokens. */
function shiftedSums({ rows, width, tokens, sums }: ActivationTable): Float64Array {
  const mean = new Float64Array(width);
  let count = 0;
  for (let row = 0; row < rows; row++) {
    count += tokens[row]!;
    for (let i = 0; i < width; i++) mean[i]! += sums[row * width + i]!;
  }
  const shifted = new Float64Array(rows * width);
  if (count === 0) return shifted;
  for (let row = 0, at = 0; row < rows; row++) {
    for (let i = 0; i < width; i++, at++) shifted[at] = sums[at]! - (tokens[row]! * mean[i]!) / count;
  }
  return shifted;
}

/** wᵀ G w in each resample; G is symmetric. */
function quadraticForms(product: Float64Array, { blocks: rows, count, weights }: Resamples): Float64Array {
  const drawn = new Int32Array(rows);
  return Float64Array.from({ length: count }, (_, b) => {
    cancellationPoint();
    const base = b * rows;
    let size = 0;
    for (let row = 0; row < rows; row++) if (weights[base + row]! > 0) drawn[size++] = row;
    let total = 0;
    for (let i = 0; i < size; i++) {
      const row = drawn[i]!;
      let inner = 0;
      for (let j = 0; j < i; j++) inner += weights[base + drawn[j]!]! * product[row * rows + drawn[j]!]!;
      const weight = weights[base + row]!;
      total += weight * (2 * inner + weight * product[row * rows + row]!);
    }
    return total;
  });
}

/** ‖Σ w_r s_r‖² in each resample. */
function squaredSums(
  shifted: Float64Array,
  width: number,
  { blocks: rows, count, weights }: Resamples,
): Float64Array {
  const total = new Float64Array(width);
  return Float64Array.from({ length: count }, (_, b) => {
    cancellationPoint();
    total.fill(0);
    for (let row = 0; row < rows; row++) {
      const weight = weights[b * rows + row]!;
      if (weight === 0) continue;
      const start = row * width;
      for (let i = 0; i < width; i++) total[i]! += weight * shifted[start + i]!;
    }
    let squared = 0;
    for (let i = 0; i < width; i++) squared += total[i]! * total[i]!;
    return squared;
  });
}
