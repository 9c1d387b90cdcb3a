/**
 * `torch.randn` on the CPU, float32, of a generator seeded by `manual_seed`: other programs make what they do not save by
 * it. For everything of our own use `random.ts`.
 */
import { mt19937, stateOfWord } from './mt19937.ts';

/** Values that are made together: 8 pairs. */
const BLOCK = 16;
/** Words give 24 bits of a float32. */
const BITS = 2 ** 24;

/**
 * Box and Muller's pairs over blocks of 16 uniform values; a last block that is not full is drawn again over the 16
 * values before the end.
 *
 * @param count at least 16: fewer are made in another way
 * @param seed an integer in 0..2^32 − 1
 */
export function torchRandn(count: number, seed: number): Float32Array {
  if (count < BLOCK) throw new RangeError(`torchRandn: ${count} values, expected ${BLOCK} or more`);
  const word = mt19937(stateOfWord(seed >>> 0));
  const uniform = (): number => (word() % BITS) / BITS;
  const values = Float32Array.from({ length: count }, uniform);
  for (let at = 0; at + BLOCK <= count; at += BLOCK) normals(values, at);
  if (count % BLOCK !== 0) {
    for (let i = count - BLOCK; i < count; i++) values[i] = uniform();
    normals(values, count - BLOCK);
  }
  return values;
}

function normals(values: Float32Array, at: number): void {
  for (let i = at; i < at + BLOCK / 2; i++) {
    const radius = Math.fround(Math.sqrt(-2 * Math.log(1 - values[i]!)));
    const angle = Math.fround(2 * Math.PI * values[i + BLOCK / 2]!);
    values[i] = radius * Math.cos(angle);
    values[i + BLOCK / 2] = radius * Math.sin(angle);
  }
}
