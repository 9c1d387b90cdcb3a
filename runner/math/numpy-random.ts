/**
 * The draws of NumPy's legacy `RandomState(seed)` that other programs fix their data splits by. Its streams are frozen,
 * so the same order must come out here. For everything of our own use `random.ts`.
 */
import { mt19937, stateOfWord } from './mt19937.ts';

export interface NumpyRandom {
  /** `shuffle` of an array of one dimension, in place. */
  shuffle(items: Int32Array): Int32Array;
  /** `permutation(items)`: a shuffled copy. */
  permutation(items: ArrayLike<number>): Int32Array;
  /** `choice(items, size, replace=False)`. */
  choose(items: ArrayLike<number>, size: number): Int32Array;
}

/** @param seed an integer in 0..2^32 − 1 */
export function numpyRandom(seed: number): NumpyRandom {
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff) {
    throw new RangeError(`numpyRandom: seed ${seed}, expected an integer in 0..2^32 − 1`);
  }
  const word = mt19937(stateOfWord(seed));

  /** Uniform in 0..most, both ends included: words under the smallest mask that holds `most`, until one fits. */
  function upTo(most: number): number {
    if (most === 0) return 0;
    const mask = 0xffffffff >>> Math.clz32(most);
    let drawn = word() & mask;
    while (drawn >>> 0 > most) drawn = word() & mask;
    return drawn >>> 0;
  }

  function shuffle(items: Int32Array): Int32Array {
    for (let i = items.length - 1; i > 0; i--) {
      const j = upTo(i);
      const kept = items[i]!;
      items[i] = items[j]!;
      items[j] = kept;
    }
    return items;
  }

  return {
    shuffle,
    permutation: (items) => shuffle(Int32Array.from(items)),
    choose(items, size) {
      if (size > items.length) throw new RangeError(`choose: ${size} of ${items.length}`);
      const order = shuffle(Int32Array.from({ length: items.length }, (_, i) => i));
      return Int32Array.from(order.subarray(0, size), (place) => items[place]!);
    },
  };
}
