/**
 * From a feature matrix to the dense design the solver works on. Three changes of coordinates, none of which moves
 * the optimum: columns that are zero on every row are left out (the penalty alone decides: weight 0); columns are
 * centred (the unpenalised intercept takes up the shift); and where columns outnumber rows, rows are replaced by
 * those of a square root F of their centred Gram matrix (a rotation: F Fᵀ = X Xᵀ), so that an iteration costs
 * rows², however many latents there are.
 */
import { pivotedCholesky } from '../math/cholesky.ts';
import { gram } from '../math/gram.ts';
import type { Features } from './features.ts';
import type { Design } from './newton.ts';

export interface PreparedFeatures {
  design: Design;
  /** Latents with a non-zero value on some row, ascending. */
  kept: Int32Array;
  /** Mean of each kept latent over the rows. */
  means: Float64Array;
  /** [rows, kept] row-major, not centred. */
  values: Float32Array;
  rows: number;
}

/** `rows` are the rows of `features` to train on. */
export function prepare(features: Features, rows: ArrayLike<number>): PreparedFeatures {
  const kept = usedColumns(features, rows);
  const values = gather(features, rows, kept);
  const means = columnMeans(values, rows.length, kept.length);
  const design =
    kept.length > rows.length
      ? rotated(values, rows.length, kept.length)
      : centred(values, rows.length, kept.length, means);
  return { design, kept, means, values, rows: rows.length };
}

function usedColumns(features: Features, rows: ArrayLike<number>): Int32Array {
  const { values, columns } = features;
  const used = new Uint8Array(columns);
  for (let i = 0; i < rows.length; i++) {
    const start = rows[i]! * columns;
    for (let j = 0; j < columns; j++) if (values[start + j] !== 0) used[j] = 1;
  }
  let size = 0;
  for (const flag of used) size += flag;
  const kept = new Int32Array(size);
  for (let j = 0, at = 0; j < columns; j++) if (used[j] === 1) kept[at++] = j;
  return kept;
}

function gather(features: Features, rows: ArrayLike<number>, kept: Int32Array): Float32Array {
  const { values, columns } = features;
  const out = new Float32Array(rows.length * kept.length);
  for (let i = 0, at = 0; i < rows.length; i++) {
    const start = rows[i]! * columns;
    for (let j = 0; j < kept.length; j++) out[at++] = values[start + kept[j]!]!;
  }
  return out;
}

function columnMeans(values: Float32Array, rows: number, columns: number): Float64Array {
  const means = new Float64Array(columns);
  for (let i = 0, at = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++, at++) means[j]! += values[at]!;
  }
  for (let j = 0; j < columns; j++) means[j]! /= rows;
  return means;
}

function centred(values: Float32Array, rows: number, columns: number, means: Float64Array): Design {
  const shifted = new Float64Array(values.length);
  for (let i = 0, at = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++, at++) shifted[at] = values[at]! - means[j]!;
  }
  return { rows, columns, values: shifted };
}

function rotated(values: Float32Array, rows: number, columns: number): Design {
  const product = gram(values, rows, columns);
  const rowMeans = new Float64Array(rows);
  let total = 0;
  for (let i = 0; i < rows; i++) {
    let rowSum = 0;
    for (let j = 0; j < rows; j++) rowSum += product[i * rows + j]!;
    rowMeans[i] = rowSum / rows;
    total += rowSum / rows / rows;
  }
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < rows; j++) product[i * rows + j]! += total - rowMeans[i]! - rowMeans[j]!;
  }
  const factor = pivotedCholesky(product, rows);
  return { rows, columns: factor.rank, values: factor.values, extents: factor.extents };
}
