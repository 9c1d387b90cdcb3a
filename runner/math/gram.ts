/** Inner products of the rows of a matrix with one another. */

/** Columns a block holds while it is used: sixteen float32 rows of this length fit the first-level cache. */
const BLOCK = 512;

/** Share of non-zero entries below which multiplying only those is faster than the plain product. */
const SPARSE_BELOW = 0.3;

/**
 * A · Aᵀ of A [rows, columns] row-major: symmetric [rows, rows] in float64. Work is half the square of the non-zeros
 * of each column where A is sparse, else rows² · columns / 2.
 */
export function gram(values: Float32Array | Float64Array, rows: number, columns: number): Float64Array {
  const counts = nonZeroCounts(values, rows, columns);
  let nonZeros = 0;
  for (const count of counts) nonZeros += count;
  const product =
    nonZeros < SPARSE_BELOW * rows * columns
      ? sparseLower(values, rows, columns, counts)
      : denseLower(values, rows, columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < i; j++) product[j * rows + i] = product[i * rows + j]!;
  }
  return product;
}

function nonZeroCounts(values: Float32Array | Float64Array, rows: number, columns: number): Int32Array {
  const counts = new Int32Array(columns);
  for (let i = 0, at = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++, at++) if (values[at] !== 0) counts[j] = counts[j]! + 1;
  }
  return counts;
}

function sparseLower(
  values: Float32Array | Float64Array,
  rows: number,
  columns: number,
  counts: Int32Array,
): Float64Array {
  const starts = new Int32Array(columns + 1);
  for (let j = 0; j < columns; j++) starts[j + 1] = starts[j]! + counts[j]!;
  const rowOf = new Int32Array(starts[columns]!);
  const entry = new Float64Array(starts[columns]!);
  const fill = starts.slice(0, columns);
  for (let i = 0, at = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++, at++) {
      const value = values[at]!;
      if (value === 0) continue;
      const slot = fill[j]!;
      fill[j] = slot + 1;
      rowOf[slot] = i;
      entry[slot] = value;
    }
  }
  const product = new Float64Array(rows * rows);
  for (let j = 0; j < columns; j++) {
    const end = starts[j + 1]!;
    for (let a = starts[j]!; a < end; a++) {
      const base = rowOf[a]! * rows;
      const value = entry[a]!;
      for (let b = starts[j]!; b <= a; b++) product[base + rowOf[b]!]! += value * entry[b]!;
    }
  }
  return product;
}

function denseLower(values: Float32Array | Float64Array, rows: number, columns: number): Float64Array {
  const product = new Float64Array(rows * rows);
  for (let from = 0; from < columns; from += BLOCK) {
    const length = Math.min(BLOCK, columns - from);
    for (let i = 0; i < rows; i += 4) {
      for (let j = 0; j <= i; j += 4) {
        if (i + 4 <= rows && j + 4 <= i) tile(values, columns, from, length, i, j, product, rows);
        else edge(values, columns, from, length, i, j, product, rows);
      }
    }
  }
  return product;
}

/** Adds a 4 × 2 pair of register tiles: rows i..i+3 times rows j..j+3. */
function tile(
  values: Float32Array | Float64Array,
  columns: number,
  from: number,
  length: number,
  i: number,
  j: number,
  product: Float64Array,
  rows: number,
): void {
  for (let half = 0; half < 4; half += 2) {
    const j0 = (j + half) * columns + from;
    const j1 = j0 + columns;
    const i0 = i * columns + from;
    const i1 = i0 + columns;
    const i2 = i1 + columns;
    const i3 = i2 + columns;
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
  values: Float32Array | Float64Array,
  columns: number,
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
      const x = a * columns + from;
      const y = b * columns + from;
      for (let k = 0; k < length; k++) total += values[x + k]! * values[y + k]!;
      product[a * rows + b]! += total;
    }
  }
}
