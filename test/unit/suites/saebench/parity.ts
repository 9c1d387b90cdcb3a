/** Rows of the parity table: what was compared with which original, and how far apart they are. */
import { expect } from 'vitest';

export interface Parity {
  what: string;
  original: string;
  /** Largest difference the comparison allows. */
  allowed: number;
  largest: number;
}

/** Of this test file's run, in order. */
export const parities: Parity[] = [];

/** Compares lists of numbers, and notes the largest difference. */
export function compared(
  what: string,
  original: string,
  allowed: number,
  pairs: readonly (readonly [found: readonly number[], expected: readonly number[]])[],
): void {
  let largest = 0;
  for (const [found, expected] of pairs) {
    expect(found.length, what).toBe(expected.length);
    expect(found.length, what).toBeGreaterThan(0);
    found.forEach((value, i) => {
      const away = Math.abs(value - expected[i]!);
      expect(away, `${what}, ${i}: found ${value}, expected ${expected[i]}`).toBeLessThanOrEqual(allowed);
      largest = Math.max(largest, away);
    });
  }
  parities.push({ what, original, allowed, largest });
  console.log(`${what}: ${largest.toExponential(1)} (at most ${allowed}) from ${original}`);
}
