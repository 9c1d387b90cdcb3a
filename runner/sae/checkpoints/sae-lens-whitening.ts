/**
 * SAEs that SAELens trains on whitened activations (covariance_whitening, arXiv 2511.13981): on (x − mean)·M, with x̂ = x̂'·M⁻¹ + mean.
 * `activation_whitening.safetensors` has mean [d], matrix M [d, d] and inverse_matrix M⁻¹ [d, d].
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MalformedError } from '../../errors.ts';
import { type StoredMatrix, turnedOf } from '../../formats/stored-matrix.ts';
import { withFile } from '../../io/byte-source.ts';
import { cancellationPoint } from '../../math/cancellation.ts';
import type { StoredSae } from '../stored-sae.ts';
import { storedTensors, TensorBag } from './loaded.ts';
import { scalerFiles } from './sae-lens-scaler.ts';

/**
 * The SAE on x itself, with the whitening folded into its weights, as SAELens' `fold_activation_whitening` does it.
 *
 * @param sae trained on whitened x, the norms of W_dec's rows folded where they rescale its latents
 * @throws MalformedError where the whitening is not beside it, and of an SAE that it cannot be folded into
 */
export async function unwhitened(folder: string, sae: StoredSae, conversions: string[]): Promise<StoredSae> {
  const path = join(folder, scalerFiles.whitening);
  const { d_in } = sae;
  if (sae.architecture === 'matching_pursuit')
    throw notFolded(folder, 'an SAE that encodes by matching pursuit');
  if (sae.d_out !== undefined) throw notFolded(folder, 'a transcoder');
  if (!existsSync(path)) {
    throw new MalformedError({
      thing: folder,
      found: `covariance_whitening without ${scalerFiles.whitening}`,
      expected: 'the whitening that it was trained on, beside its weights',
      next: 'Take the whole checkpoint, or the SAE as it was saved when training ended: that one has the whitening in its weights.',
    });
  }
  const { mean, matrix, inverse } = await withFile(path, async (source) => {
    const bag = new TensorBag(source.name, 'SAELens’ whitening', await storedTensors(source));
    const read = {
      mean: await bag.take('mean', [d_in]),
      matrix: await bag.take('matrix', [d_in, d_in]),
      inverse: await bag.take('inverse_matrix', [d_in, d_in]),
    };
    bag.rest();
    return read;
  });
  conversions.push('the covariance whitening folded into the weights, as its trainer does at the end');
  const W_enc = turnedOf(rowsTimes(sae.W_enc.turned(), transposed(matrix, d_in)));
  const b_dec = rowTimes(sae.b_dec, inverse, d_in).map((value, i) => value + mean[i]!);
  const folded = { ...sae, W_enc, W_dec: rowsTimes(sae.W_dec, inverse), b_dec: Float32Array.from(b_dec) };
  if (sae.apply_b_dec_to_input) return folded;
  const encoder = await W_enc.read();
  const shift = rowTimes(mean, encoder, sae.d_sae);
  const less = (bias: Float32Array, by = (j: number): number => shift[j]!): Float32Array =>
    bias.map((value, j) => value - by(j));
  if (folded.architecture !== 'gated') return { ...folded, b_enc: less(folded.b_enc) } as StoredSae;
  const { r_mag } = folded;
  return {
    ...folded,
    b_gate: less(folded.b_gate),
    b_mag: less(folded.b_mag, (j) => shift[j]! * Math.exp(r_mag[j]!)),
  };
}

function notFolded(folder: string, of: string): MalformedError {
  return new MalformedError({
    thing: folder,
    found: `covariance_whitening of ${of}`,
    expected: 'covariance_whitening of an SAE with an encoder of its own, into which it can be folded',
    next: 'Choose another SAE.',
  });
}

/** row [k] times factor [k, width]. */
function rowTimes(row: Float32Array, factor: Float32Array, width: number): Float64Array {
  const out = new Float64Array(width);
  for (let k = 0; k < row.length; k++) {
    const value = row[k]!;
    for (let j = 0, at = k * width; j < width; j++, at++) out[j]! += value * factor[at]!;
  }
  return out;
}

/** A matrix [rows, d] times factor [d, d], computed as it is asked for: d² products a row, in float64. */
function rowsTimes(matrix: StoredMatrix, factor: Float32Array): StoredMatrix {
  const { rows, columns, dtype } = matrix;
  const times = (data: Float32Array): Float32Array => {
    const out = new Float32Array(data.length);
    for (let at = 0; at < data.length; at += columns) {
      cancellationPoint();
      out.set(rowTimes(data.subarray(at, at + columns), factor, columns), at);
    }
    return out;
  };
  const made: StoredMatrix = {
    rows,
    columns,
    dtype,
    place: null,
    verify: () => matrix.verify(),
    async block(part) {
      const [from, to] = part.columns;
      const whole = times(await matrix.block({ rows: part.rows, columns: [0, columns] }));
      if (from === 0 && to === columns) return whole;
      const [height, width] = [part.rows[1] - part.rows[0], to - from];
      const out = new Float32Array(height * width);
      for (let i = 0; i < height; i++)
        out.set(whole.subarray(i * columns + from, i * columns + to), i * width);
      return out;
    },
    read: async () => times(await matrix.read()),
    turned: () => turnedOf(made),
  };
  return made;
}

function transposed(square: Float32Array, side: number): Float32Array {
  return square.map((_, at) => square[(at % side) * side + Math.floor(at / side)]!);
}
