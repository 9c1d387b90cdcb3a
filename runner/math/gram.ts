/** Inner products of the rows of a matrix with one another. */

import { cancellationPoint } from './cancellation.ts';
import { type SparseMatrix, sparseOf } from './sparse.ts';

/** Columns a block holds while it is used: sixteen float32 rows of this length fit the first-level cache. */
const BLOCK = 512;

/** Share of non-zero entries below which multiplying only those is faster than the plain product. */
const SPARSE_BELOW = 0.3;

type Values = Float32Array | Float64Array;

/**
 * A · Aᵀ of A [rows, columns] row-major: symmetric [rows, rows] in float64. Work is half the square of the non-zeros
 * of each column where A is sparse, else rows² · columns / 2.
 */
export function gram(values: Values, rows: number, columns: number): Float64Array {
  const sparse = sparseOf(values, rows, columns, SPARSE_BELOW * rows * columns);
  if (sparse !== null) return gramOfSparse(sparse);
  return mirrored(
    denseLower(rows, columns, (from) => ({ values, stride: columns, from })),
    rows,
  );
}

/** The same of a sparse matrix. Where it is not so sparse, some of its columns are held whole at a time. */
export function gramOfSparse(matrix: SparseMatrix): Float64Array {
  const { rows, columns, starts } = matrix;
  const few = starts[rows]! < SPARSE_BELOW * rows * columns;
  return mirrored(few ? sparseLower(matrix) : denseLower(rows, columns, columnBlocks(matrix)), rows);
}

function mirrored(product: Float64Array, rows: number): Float64Array {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < i; j++) product[j * rows + i] = product[i * rows + j]!;
  }
  return product;
}

function sparseLower({ rows, columns, starts, at, values }: SparseMatrix): Float64Array {
  const counts = new Int32Array(columns + 1);
  for (const column of at) counts[column + 1]!++;
  for (let j = 0; j < columns; j++) counts[j + 1]! += counts[j]!;
  const rowOf = new Int32Array(at.length);
  const entry = new Float64Array(at.length);
  const fill = counts.slice(0, columns);
  for (let i = 0; i < rows; i++) {
    for (let from = starts[i]!; from < starts[i + 1]!; from++) {
      const slot = fill[at[from]!]!++;
      rowOf[slot] = i;
      entry[slot] = values[from]!;
    }
  }
  const product = new Float64Array(rows * rows);
  for (let j = 0; j < columns; j++) {
    cancellationPoint();
    const end = counts[j + 1]!;
    for (let a = counts[j]!; a < end; a++) {
      const base = rowOf[a]! * rows;
      const value = entry[a]!;
      for (let b = counts[j]!; b <= a; b++) product[base + rowOf[b]!]! += value * entry[b]!;
    }
  }
  return product;
}

/** Some columns of a matrix, at most BLOCK: entry [i, j] of them stands at i · stride + from + j. */
interface ColumnBlock {
  values: Values;
  stride: number;
  from: number;
}

/** Gives blocks of columns in their order, each as long as the next is not asked for. */
function columnBlocks({ rows, starts, at, values }: SparseMatrix): (from: number) => ColumnBlock {
  const block = new Float64Array(rows * BLOCK);
  const next = starts.slice(0, rows);
  return (from) => {
    block.fill(0);
    for (let i = 0; i < rows; i++) {
      const end = starts[i + 1]!;
      let entry = next[i]!;
      for (; entry < end && at[entry]! < from + BLOCK; entry++) {
        block[i * BLOCK + at[entry]! - from] = values[entry]!;
      }
      next[i] = entry;
    }
    return { values: block, stride: BLOCK, from: 0 };
  };
}

function denseLower(rows: number, columns: number, blockFrom: (from: number) => ColumnBlock): Float64Array {
  const product = new Float64Array(rows * rows);
  for (let start = 0; start < columns; start += BLOCK) {
    const length = Math.min(BLOCK, columns - start);
    const { values, stride, from } = blockFrom(start);
    for (let i = 0; i < rows; i += 4) {
      cancellationPoint();
      for (let j = 0; j <= i; j += 4) {
        if (i + 4 <= rows && j + 4 <= i) tile(values, stride, from, length, i, j, product, rows);
        else edge(values, stride, from, length, i, j, product, rows);
      }
    }
  }
  return product;
}

/** Adds a 4 × 2 pair of register tiles: rows i..i+3 times rows j..j+3. */
function tile(
  values: Values,
  stride: number,
  from: number,
  length: number,
  i: number,
  j: number,
  product: Float64Array,
  rows: number,
): void {
  for (let half = 0; half < 4; half += 2) {
    const j0 = (j + half) * stride + from;
    const j1 = j0 + stride;
    const i0 = i * stride + from;
    const i1 = i0 + stride;
    const i2 = i1 + stride;
    const i3 = i2 + stride;
    let s00 = 0;
    let s01 = 0;
    let s10 = 0;
    let s11 = 0;
    let s20 = 0;
    let s21 = 0;
    let s30 = 0;
    let s31 = 0;
    for (let k = 0; k < length; k++) {
      const y0 = values[j0 + k]!;
      const y1 = values[j1 + k]!;
      const x0 = values[i0 + k]!;
      const x1 = values[i1 + k]!;
      const x2 = values[i2 + k]!;
      const x3 = values[i3 + k]!;
      s00 += x0 * y0;
      s01 += x0 * y1;
      s10 += x1 * y0;
      s11 += x1 * y1;
      s20 += x2 * y0;
      s21 += x2 * y1;
      s30 += x3 * y0;
      s31 += x3 * y1;
    }
    const at = i * rows + j + half;
    product[at]! += s00;
    product[at + 1]! += s01;
    product[at + rows]! += s10;
    product[at + rows + 1]! += s11;
    product[at + 2 * rows]! += s20;
    product[at + 2 * rows + 1]! += s21;
    product[at + 3 * rows]! += s30;
    product[at + 3 * rows + 1]! += s31;
  }
}

/** The tiles at the diagonal and at the lower edge, entry by entry. */
function edge(
  values: Values,
  stride: number,
  from: number,
  length: number,
  i: number,
  j: number,
  product: Float64Array,
  rows: number,
): void {
  for (let a = i; a < Math.min(i + 4, rows); a++) {
    for (let b = j; b <= Math.min(j + 3, a); b++) {
      let total = 0;
      const x = a * stride + from;
      const y = b * stride + from;
      for (let k = 0; k < length; k++) total += values[x + k]! * values[y + k]!;
      product[a * rows + b]! += total;
    }
  }
}
