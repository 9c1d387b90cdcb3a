/**
 * The random numbers of CPython's `random.Random(seed)` for an integer seed: MT19937 (Matsumoto and Nishimura 1998)
 * seeded by `init_by_array` with the 32-bit words of |seed|. Other programs fix their data splits by it, so the same
 * order must come out here. For everything of our own use `random.ts`.
 */

const SIZE = 624;
const SHIFT = 397;

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
  const state = initByArray(wordsOf(seed));
  let position = SIZE;

  function word(): number {
    if (position === SIZE) {
      refill(state);
      position = 0;
    }
    let y = state[position++]!;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

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

function initByArray(key: readonly number[]): Uint32Array {
  const state = new Uint32Array(SIZE);
  state[0] = 19650218;
  for (let i = 1; i < SIZE; i++) {
    const last = state[i - 1]!;
    state[i] = Math.imul(1812433253, last ^ (last >>> 30)) + i;
  }
  let i = 1;
  const advance = (): void => {
    i++;
    if (i >= SIZE) {
      state[0] = state[SIZE - 1]!;
      i = 1;
    }
  };
  for (let step = 0, j = 0; step < Math.max(SIZE, key.length); step++) {
    const last = state[i - 1]!;
    state[i] = (state[i]! ^ Math.imul(last ^ (last >>> 30), 1664525)) + key[j]! + j;
    advance();
    j = (j + 1) % key.length;
  }
  for (let step = 0; step < SIZE - 1; step++) {
    const last = state[i - 1]!;
    state[i] = (state[i]! ^ Math.imul(last ^ (last >>> 30), 1566083941)) - i;
    advance();
  }
  state[0] = 0x80000000;
  return state;
}

function refill(state: Uint32Array): void {
  for (let i = 0; i < SIZE; i++) {
    const y = (state[i]! & 0x80000000) | (state[(i + 1) % SIZE]! & 0x7fffffff);
    const mixed = state[(i + SHIFT) % SIZE]! ^ (y >>> 1);
    state[i] = y & 1 ? mixed ^ 0x9908b0df : mixed;
  }
}
