/**
 * An SAE in its file: everything but the two large matrices is held, those are read by parts. Opening one costs its
 * headers and vectors, so a file of gigabytes can be looked into, sliced by latent, or run where it lies.
 */
import { createHash } from 'node:crypto';
import type { Block, StoredMatrix } from '../formats/stored-matrix.ts';
import { cancellationPoint } from '../math/cancellation.ts';
import { addTensor, finished, saeSha256 } from './content-hash.ts';
import { checkConventions, type Sae, type SaeShape, vectorsOf } from './sae.ts';

export type Stored<S extends Sae> = S extends Sae
  ? Omit<S, 'W_enc' | 'W_dec'> & {
      /** [d_in, d_sae] */
      W_enc: StoredMatrix;
      /** [d_sae, d_out] */
      W_dec: StoredMatrix;
    }
  : never;

export type StoredSae = Stored<Sae>;

/** Latents from..to of an SAE, the end excluded: what the encoder reads for them and what they write. */
export interface LatentSlice {
  from: number;
  to: number;
  /** Columns of W_enc, a latent after the other: [to − from, d_in] */
  encoder: Float32Array;
  /** Rows of W_dec: [to − from, d_out] */
  decoder: Float32Array;
  /** The vectors of one number per latent that the architecture has (b_enc, threshold, b_gate, …): [to − from] each. */
  vectors: Readonly<Record<string, Float32Array>>;
}

export function isStored(sae: Sae | StoredSae): sae is StoredSae {
  return !(sae.W_enc instanceof Float32Array);
}

/**
 * The SAE itself, once its parts are known to fit together.
 *
 * @throws RangeError
 */
export function checkedStored<S extends StoredSae>(sae: S): S {
  const { d_in, d_sae, d_out = d_in } = sae as SaeShape;
  checkConventions(sae);
  for (const [name, { rows, columns }, shape] of [
    ['W_enc', sae.W_enc, [d_in, d_sae]],
    ['W_dec', sae.W_dec, [d_sae, d_out]],
  ] as const) {
    if (rows !== shape[0] || columns !== shape[1])
      throw new RangeError(`${name}: [${rows}, ${columns}], expected [${shape.join(', ')}]`);
  }
  return sae;
}

/** All of it in memory. @throws MalformedError when a checksum of its file is another */
export async function loaded(sae: StoredSae): Promise<Sae> {
  const { W_enc, W_dec, ...rest } = sae;
  return { ...rest, W_enc: await W_enc.read(), W_dec: await W_dec.read() } as Sae;
}

/**
 * A range of latents without the others.
 *
 * @throws RangeError for a range outside 0..d_sae
 */
export async function latentSlice(sae: StoredSae, from: number, to: number): Promise<LatentSlice> {
  const { d_in, d_sae } = sae;
  if (!(Number.isInteger(from) && Number.isInteger(to) && 0 <= from && from < to && to <= d_sae)) {
    throw new RangeError(`latents ${from}..${to} of an SAE that has ${d_sae}`);
  }
  const [encoder, decoder] = await Promise.all([
    sae.W_enc.turned().block({ rows: [from, to], columns: [0, d_in] }),
    sae.W_dec.block({ rows: [from, to], columns: [0, sae.W_dec.columns] }),
  ]);
  const vectors = vectorsOf(sae)
    .filter(({ name, shape }) => name !== 'b_dec' && !name.startsWith('context.') && shape.length === 1)
    .map(({ name, data }) => [name, data.slice(from, to)] as const);
  return { from, to, encoder, decoder, vectors: Object.fromEntries(vectors) };
}

/** Floats of a matrix held at once while it is hashed. */
const HASHED_AT_ONCE = 16 << 20;

/** Content hash of the canonical tensors and settings, the same as `saeSha256` of the SAE in memory. */
export async function storedSha256(sae: Sae | StoredSae): Promise<string> {
  if (!isStored(sae)) return saeSha256(sae);
  const hash = createHash('sha256');
  for (const [name, matrix] of [
    ['W_enc', sae.W_enc],
    ['W_dec', sae.W_dec],
  ] as const) {
    const { rows, columns } = matrix;
    hash.update(`${name} F32 [${rows},${columns}]\n`);
    // Rows of a matrix that lies column by column are scattered all over it: that one is read whole.
    const step = matrix.place?.turned === false ? Math.max(1, Math.floor(HASHED_AT_ONCE / columns)) : rows;
    for (let from = 0; from < rows; from += step) {
      cancellationPoint();
      const part: Block = { rows: [from, Math.min(rows, from + step)], columns: [0, columns] };
      const { buffer, byteOffset, byteLength } = await matrix.block(part);
      hash.update(new Uint8Array(buffer, byteOffset, byteLength));
    }
  }
  for (const tensor of vectorsOf(sae)) addTensor(hash, tensor);
  return finished(hash, sae);
}
