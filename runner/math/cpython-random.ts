/**
 * The random numbers of CPython's `random.Random(seed)` for an integer seed: MT19937 (Matsumoto and Nishimura 1998)
 * seeded by `init_by_array` with the 32-bit words of |seed|. Other programs fix their data splits by it, so the same
 * order must come out here. For everything of our own use `random.ts`.
 */
import { mt19937, stateOfWords } from './mt19937.ts';

export interface CPythonRandom {
  /** `random()`: uniform in [0, 1) with 53 bits. */
  random(): number;
  /** `getrandbits(bits)` for bits in 1..32. */
  getrandbits(bits: number): number;
  /** `_randbelow(bound)`, as `shuffle` draws it; bound in 1..2^31. */
  randbelow(bound: number): number;
  /** `shuffle(items)`, in place. */
  shuffle<T>(items: T[]): T[];
}

export function cpythonRandom(seed: number | bigint): CPythonRandom {
  if (typeof seed === 'number' && !Number.isSafeInteger(seed)) {
    throw new RangeError(`cpythonRandom: seed ${seed}, expected an integer (a bigint beyond 2^53)`);
  }
  const word = mt19937(stateOfWords(wordsOf(seed)));

  function getrandbits(bits: number): number {
    if (!Number.isInteger(bits) || bits < 1 || bits > 32) {
      throw new RangeError(`getrandbits: ${bits} bits, expected 1..32`);
    }
    return word() >>> (32 - bits);
  }

  function randbelow(bound: number): number {
    const bits = 32 - Math.clz32(bound);
    let drawn = getrandbits(bits);
    while (drawn >= bound) drawn = getrandbits(bits);
    return drawn;
  }

  return {
    random() {
      const high = word() >>> 5;
      const low = word() >>> 6;
      return (high * 67108864 + low) / 9007199254740992;
    },
    getrandbits,
    randbelow,
    shuffle(items) {
      for (let i = items.length - 1; i > 0; i--) {
        const j = randbelow(i + 1);
        const kept = items[i]!;
        items[i] = items[j]!;
        items[j] = kept;
      }
      return items;
    },
  };
}

/** |seed| in 32-bit words, lowest first; zero is one word. */
function wordsOf(seed: number | bigint): number[] {
  let rest = BigInt(seed);
  if (rest < 0n) rest = -rest;
  const words: number[] = [];
  do {
    words.push(Number(rest & 0xffffffffn));
    rest >>= 32n;
  } while (rest > 0n);
  return words;
}
