/** SAEs of which some programs keep the decoder's rows at norm 1 when they are used, and not when they are trained. */
import { type StoredMatrix, scaledMatrix } from '../../formats/stored-matrix.ts';

/** Floats of the decoder held at once while its norms are taken. */
const ROWS_AT_ONCE = 4 << 20;

export interface Matrices {
  W_enc: StoredMatrix;
  W_dec: StoredMatrix;
}

/** W_dec's rows over their norms; W_enc's columns and b_enc times them. Reconstructions stay, latents are rescaled. */
export async function unitRows(
  { W_enc, W_dec }: Matrices,
  b_enc: Float32Array,
): Promise<Matrices & { b_enc: Float32Array }> {
  const norms = await rowNorms(W_dec);
  const times = async (from: number, to: number): Promise<Float64Array> => norms.slice(from, to);
  const over = async (from: number, to: number): Promise<Float64Array> =>
    norms.slice(from, to).map((norm) => 1 / norm);
  return {
    W_enc: scaledMatrix(W_enc, { rows: null, columns: times }),
    W_dec: scaledMatrix(W_dec, { rows: over, columns: null }),
    b_enc: b_enc.map((value, j) => value * norms[j]!),
  };
}

/** ‖row‖ of every row [rows], some of them in memory at a time. */
async function rowNorms(matrix: StoredMatrix): Promise<Float64Array> {
  const { rows, columns } = matrix;
  const norms = new Float64Array(rows);
  const step = Math.max(1, Math.floor(ROWS_AT_ONCE / columns));
  for (let from = 0; from < rows; from += step) {
    const to = Math.min(rows, from + step);
    const part = await matrix.block({ rows: [from, to], columns: [0, columns] });
    for (let i = from; i < to; i++) {
      let squares = 0;
      for (let at = (i - from) * columns; at < (i - from + 1) * columns; at++) squares += part[at]! ** 2;
      norms[i] = Math.sqrt(squares);
    }
  }
  return norms;
}
