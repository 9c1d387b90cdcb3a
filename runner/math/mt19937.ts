/**
 * The words of MT19937 (Matsumoto and Nishimura 1998) and its two ways of seeding: other programs fix their splits by
 * it. For everything of our own use `random.ts`.
 */

const SIZE = 624;
const SHIFT = 397;

/** The stream of 32-bit words from a state of 624. */
export function mt19937(state: Uint32Array): () => number {
  let position = SIZE;
  return () => {
    if (position === SIZE) {
      refill(state);
      position = 0;
    }
    let y = state[position++]!;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  };
}

/** `init_genrand`: of one word. */
export function stateOfWord(seed: number): Uint32Array {
  const state = new Uint32Array(SIZE);
  state[0] = seed;
  for (let i = 1; i < SIZE; i++) {
    const last = state[i - 1]!;
    state[i] = Math.imul(1812433253, last ^ (last >>> 30)) + i;
  }
  return state;
}

/** `init_by_array`: of any number of words. */
export function stateOfWords(key: readonly number[]): Uint32Array {
  const state = stateOfWord(19650218);
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
