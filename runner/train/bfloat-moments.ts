/**
 * Adam's moments of W_enc and W_dec kept in bfloat16. Rounded to the nearest they would stand still: beta2 = 0.999 changes a second
 * moment by a thousandth of itself, and neighbours in bfloat16 are four thousandths apart or more. So they are rounded up or down at
 * random, with the chances that keep their mean, as others round weights. The random bits follow from the step and the place
 * of the value alone: a run that is resumed, or has other threads, rounds alike.
 */

/** A hash of 32 bits (Ettinger & Wellons' lowbias32). */
function hash(value: number): number {
  let x = value ^ (value >>> 16);
  x = Math.imul(x, 0x7feb352d);
  x ^= x >>> 15;
  x = Math.imul(x, 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

/** What the random bits of a step follow from. @param updates steps taken, this one included */
export function momentSeed(updates: number): number {
  return hash(updates);
}

/**
 * 32 random bits: the lower 16 are of the first moment, the upper of the second.
 *
 * @param index of the value: row · width + column in W_dec, with width a row's length in memory; W_encᵀ lies behind it
 */
export function momentNoise(seed: number, index: number): number {
  return hash((index + seed) | 0);
}

const bits = new Uint32Array(1);
const float = new Float32Array(bits.buffer);

/** @param noise 16 bits: as many of 65,536 chances to be rounded away from 0 as the value lies beyond the bfloat16 below it */
export function roundedMoment(value: number, noise: number): number {
  float[0] = value;
  bits[0] = (bits[0]! + noise) & 0xffff0000;
  return float[0];
}
