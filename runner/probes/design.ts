/**
 * From a feature matrix to the design the solver works on. Three changes of coordinates, none of which moves the
 * optimum: columns that are zero on every row are left out (the penalty alone decides: weight 0); columns are
 * centred (the unpenalised intercept takes up the shift); and where columns far outnumber rows, rows are replaced by
 * those of a square root F of their centred Gram matrix (a rotation: F Fᵀ = X Xᵀ), so that an iteration costs
 * rows², however many latents there are.
 */
import { cancellationPoint } from '../math/cancellation.ts';
import { pivotedCholesky } from '../math/cholesky.ts';
import { gramOfSparse } from '../math/gram.ts';
import type { SparseMatrix } from '../math/sparse.ts';
import type { Design } from './design-matrix.ts';
import { type Features, rowReader } from './features.ts';

/** Columns a row from which on the rotation, which costs rows³, pays. */
const ROTATED_FROM = 4;

export interface PreparedFeatures {
  design: Design;
  /** Whether the design's coordinates are others than the latents'. */
  rotated: boolean;
  /** Latents with a non-zero value on some row, ascending. */
  kept: Int32Array;
  /** Mean of each kept latent over the rows. */
  means: Float64Array;
  /** [rows, kept], not centred. */
  matrix: SparseMatrix;
}

/** `rows` are the rows of `features` to train on. */
export function prepare(features: Features, rows: ArrayLike<number>): PreparedFeatures {
  const { matrix, kept } = gather(features, rows);
  const { at, values } = matrix;
  const means = new Float64Array(kept.length);
  for (let entry = 0; entry < at.length; entry++) means[at[entry]!]! += values[entry]!;
  for (let j = 0; j < means.length; j++) means[j]! /= rows.length;
  const rotated = kept.length > ROTATED_FROM * rows.length;
  const design = rotated ? rotatedDesign(matrix) : centredDesign(matrix, means);
  return { design, rotated, kept, means, matrix };
}

/** The non-zero entries of the rows, columns numbered among those that have any. */
function gather(features: Features, rows: ArrayLike<number>): { matrix: SparseMatrix; kept: Int32Array } {
  const read = rowReader(features);
  const used = new Uint8Array(features.columns);
  const starts = new Int32Array(rows.length + 1);
  for (let i = 0; i < rows.length; i++) {
    cancellationPoint();
    const { indices, values } = read(rows[i]!);
    let count = 0;
    for (let entry = 0; entry < values.length; entry++) {
      if (values[entry] === 0) continue;
      used[indices[entry]!] = 1;
      count++;
    }
    starts[i + 1] = starts[i]! + count;
  }
  const kept = Int32Array.from(used.keys()).filter((column) => used[column] === 1);
  const place = new Int32Array(features.columns);
  for (let j = 0; j < kept.length; j++) place[kept[j]!] = j;
  const at = new Int32Array(starts[rows.length]!);
  const found = new Float32Array(at.length);
  for (let i = 0, next = 0; i < rows.length; i++) {
    cancellationPoint();
    const { indices, values } = read(rows[i]!);
    for (let entry = 0; entry < values.length; entry++) {
      if (values[entry] === 0) continue;
      at[next] = place[indices[entry]!]!;
      found[next++] = values[entry]!;
    }
  }
  return { matrix: { rows: rows.length, columns: kept.length, starts, at, values: found }, kept };
}

/** X − 1·meansᵀ, of which X alone is held. */
function centredDesign({ rows, columns, starts, at, values }: SparseMatrix, means: Float64Array): Design {
  return {
    rows,
    columns,
    multiply(v, out) {
      let shift = 0;
      for (let j = 0; j < columns; j++) shift += means[j]! * v[j]!;
      for (let i = 0; i < rows; i++) {
        let total = 0;
        for (let entry = starts[i]!; entry < starts[i + 1]!; entry++)
          total += values[entry]! * v[at[entry]!]!;
        out[i] = total - shift;
      }
    },
    transposed(u, out) {
      out.fill(0, 0, columns);
      let total = 0;
      for (let i = 0; i < rows; i++) {
        const weight = u[i]!;
        total += weight;
        for (let entry = starts[i]!; entry < starts[i + 1]!; entry++)
          out[at[entry]!]! += weight * values[entry]!;
      }
      for (let j = 0; j < columns; j++) out[j]! -= total * means[j]!;
    },
    copy(target, stride) {
      for (let i = 0; i < rows; i++) {
        cancellationPoint();
        const start = i * stride;
        for (let j = 0; j < columns; j++) target[start + j] = -means[j]!;
        for (let entry = starts[i]!; entry < starts[i + 1]!; entry++) {
          target[start + at[entry]!] = values[entry]! - means[at[entry]!]!;
        }
      }
    },
    scale() {
      const sums = means.map((mean) => rows * Math.abs(mean));
      for (let entry = 0; entry < at.length; entry++) {
        const mean = means[at[entry]!]!;
        sums[at[entry]!]! += Math.abs(values[entry]! - mean) - Math.abs(mean);
      }
      return sums.reduce((most, each) => Math.max(most, each), 0) / rows;
    },
  };
}

function rotatedDesign(matrix: SparseMatrix): Design {
  const { rows } = matrix;
  const product = gramOfSparse(matrix);
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
  const { rank: columns, values, extents } = pivotedCholesky(product, rows);
  return {
    rows,
    columns,
    multiply(v, out) {
      for (let i = 0, start = 0; i < rows; i++, start += columns) {
        let sum = 0;
        for (let j = 0; j < extents[i]!; j++) sum += values[start + j]! * v[j]!;
        out[i] = sum;
      }
    },
    transposed(u, out) {
      out.fill(0, 0, columns);
      for (let i = 0, start = 0; i < rows; i++, start += columns) {
        for (let j = 0; j < extents[i]!; j++) out[j]! += u[i]! * values[start + j]!;
      }
    },
    copy(target, stride) {
      for (let i = 0; i < rows; i++) {
        cancellationPoint();
        target.set(values.subarray(i * columns, i * columns + extents[i]!), i * stride);
      }
    },
    scale() {
      const sums = new Float64Array(columns);
      for (let at = 0; at < values.length; at++) sums[at % columns]! += Math.abs(values[at]!);
      return sums.reduce((most, each) => Math.max(most, each), 0) / rows;
    },
  };
}
