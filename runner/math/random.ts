/**
 * Seeded random numbers: xoshiro128** (Blackman and Vigna 2018) over four 32-bit words, seeded from any
 * list of numbers and strings, so that every stream in a run has a name and no two streams share a state.
 */

export type RandomState = readonly [number, number, number, number];

export interface Random {
  /** Uniform in [0, 1), 32 bits of randomness. */
  next(): number;
  /** Uniform integer in [0, bound), bound in 1..2^32. */
  integer(bound: number): number;
  /** Standard normal (Box and Muller 1958; one value a call, no hidden second value to save). */
  gaussian(): number;
  /** The state; `randomFrom(state)` continues the stream exactly. */
  state(): RandomState;
}

/** A stream named by its keys: equal keys give equal streams. */
export function random(...keys: readonly (number | string)[]): Random {
  let hash = 0x811c9dc5;
  const mix = (byte: number): void => {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  };
  for (const key of keys) {
    for (const char of `${typeof key}:${key};`) mix(char.codePointAt(0) ?? 0);
  }
  const word = (): number => {
    // splitmix32: spreads the hash over the four words of the state.
    hash = (hash + 0x9e3779b9) >>> 0;
    let z = hash;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return (z ^ (z >>> 16)) >>> 0;
  };
  return randomFrom([word(), word(), word(), word() | 1]);
}

export function randomFrom(state: RandomState): Random {
  let [a, b, c, d] = state;

  function word(): number {
    const product = Math.imul(b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = (d << 11) | (d >>> 21);
    return result;
  }

  function next(): number {
    return word() / 4294967296;
  }

  return {
    next,
    integer(bound) {
      return Math.floor(next() * bound);
    },
    gaussian() {
      const radius = Math.sqrt(-2 * Math.log(1 - next()));
      return radius * Math.cos(2 * Math.PI * next());
    },
    state() {
      return [a >>> 0, b >>> 0, c >>> 0, d >>> 0];
    },
  };
}

/** Shuffles in place (Fisher and Yates), last element first. */
export function shuffle<T extends { length: number; [index: number]: unknown }>(items: T, stream: Random): T {
  for (let i = items.length - 1; i > 0; i--) {
    const j = stream.integer(i + 1);
    const kept = items[i];
    items[i] = items[j];
    items[j] = kept;
  }
  return items;
}
