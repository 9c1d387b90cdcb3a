/**
 * Crosscoders (Lindsey et al. 2024, transformer-circuits.pub/2024/crosscoders): one code of the activations at several places, the
 * same hook of two models or several hooks of one. Side by side, the activations of a token at all places are one activation of
 * n·d numbers, and a crosscoder is held as an SAE of that.
 */
import type { StoredArray } from '../../formats/stored-array.ts';
import type { StoredMatrix } from '../../formats/stored-matrix.ts';
import type { StoredSae } from '../stored-sae.ts';
import type { SaeDetails, SaeFormat } from './loaded.ts';

export interface CrosscoderFile {
  format: SaeFormat;
  /** What its files say; the hook is that of every place. */
  details: SaeDetails;
  /** The files it consists of. */
  files: readonly string[];
  /** What was done to the stored tensors, in order, each one phrase. */
  conversions: string[];
  /** Number of places, and the numbers of a token at each. */
  places: number;
  d: number;
  /** Of the scaled activations of all places side by side [tokens, places · d]. */
  sae: StoredSae;
  /** W_dec place by place, [latents, d] each, where it lies so: side by side its rows are not in one piece. */
  decoders?: readonly StoredMatrix[];
  /** How activations are scaled before they are encoded; null where they are not. */
  scaling: Scaling | null;
  close(): Promise<void>;
}

/** Of place p: x' = (x − mean) · by before encoding, x̂ = x̂' / by + mean behind decoding. */
export interface Scaling {
  /** [places · d] */
  mean: Float32Array | null;
  /** [places] */
  by: Float32Array;
  /** What is added to `by` where it is undone. */
  epsilon: number;
}

/** More places than any crosscoder has. */
export const PLACE_LIMIT = 256;

/**
 * The same numbers with two neighbouring axes as one.
 *
 * @param axis the first of the two
 * @throws RangeError where they do not lie one behind the other
 */
export function mergedAxes(array: StoredArray, axis: number): StoredArray {
  const { shape, stride } = array;
  const [first, second] = [shape[axis]!, shape[axis + 1]!];
  if (first > 1 && second > 1 && stride[axis] !== second * stride[axis + 1]!)
    throw new RangeError(`axes ${axis} and ${axis + 1} with gaps between`);
  const step = second > 1 ? stride[axis + 1]! : stride[axis]!;
  return {
    ...array,
    shape: [...shape.slice(0, axis), first * second, ...shape.slice(axis + 2)],
    stride: [...stride.slice(0, axis), step, ...stride.slice(axis + 2)],
  };
}
