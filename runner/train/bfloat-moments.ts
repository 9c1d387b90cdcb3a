/**
 * Adam's moments of W_enc and W_dec kept in bfloat16. Rounded to the nearest they would stand still: beta2 = 0.999 changes a second
 * moment by a thousandth of itself, and neighbours in bfloat16 are four thousandths apart or more. So they are rounded
 * stochastically: up or down at random, with probabilities that keep their mean. The random bits follow from the step and the place
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

/** The seed of a step's random bits. @param updates steps taken, this one included */
export function momentSeed(updates: number): number {
  return hash(updates);
}

/**
 * 32 random bits: the lower 16 round the first moment, the upper 16 the second.
 *
 * @param index of the value in memory: row · width + column in W_dec, width being a row with its padding; the rows of W_encᵀ follow
 */
export function momentNoise(seed: number, index: number): number {
  return hash((index + seed) | 0);
}

const bits = new Uint32Array(1);
const float = new Float32Array(bits.buffer);

/**
 * A value as one of the two bfloat16 that it lies between, its lower 16 bits being those that are cut off.
 *
 * @param noise 16 uniform random bits, added to the lower ones: the value is rounded away from 0 where the sum carries, so with the
 * probability of its distance from the neighbour nearer to 0, in units of the distance between both
 */
export function roundedMoment(value: number, noise: number): number {
  float[0] = value;
  bits[0] = (bits[0]! + noise) & 0xffff0000;
  return float[0];
}
