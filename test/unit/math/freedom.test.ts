import { describe, expect, it } from 'vitest';
import { freedomOf, widening } from '../../../runner/math/freedom.ts';

const partOf = (values: readonly number[]) => ({
  blocks: values.length,
  squares: values.reduce((sum, value) => sum + value ** 2, 0),
  fourths: values.reduce((sum, value) => sum + value ** 4, 0),
});

describe('degrees of freedom of a standard error', () => {
  it('are one fewer than blocks that are all as far from the mean', () => {
    expect(freedomOf([partOf([1, -1, 1, -1, 1, -1, 1, -1])])).toBe(7);
  });

  it('are about two where one block is all of it, however many there are', () => {
    const alone = [1, ...new Array<number>(199).fill(0)];
    expect(freedomOf([partOf(alone)])).toBeCloseTo((2 * 200) / 199, 9);
  });

  it('of blocks like exponential ones, of kurtosis 9, are a quarter of them', () => {
    // Quantiles of the exponential at 2,000 even places, around their mean.
    const quantiles = Array.from({ length: 2_000 }, (_, i) => -Math.log(1 - (i + 0.5) / 2_000));
    const mean = quantiles.reduce((sum, value) => sum + value / 2_000, 0);
    const found = freedomOf([partOf(quantiles.map((value) => value - mean))]);
    expect(found / 2_000).toBeGreaterThan(0.24);
    expect(found / 2_000).toBeLessThan(0.27);
  });

  it('of two samples are Welch’s', () => {
    // Variances 8 and 4 of 8 and 4 blocks: (8 + 4)² / (8²/7 + 4²/3).
    const found = freedomOf([partOf([1, -1, 1, -1, 1, -1, 1, -1]), partOf([1, -1, 1, -1])]);
    expect(found).toBeCloseTo(144 / (64 / 7 + 16 / 3), 9);
  });

  it('of no variance widen nothing; of few, as Student’s quantiles do', () => {
    expect(widening(freedomOf([partOf([0, 0, 0])]))).toBe(1);
    expect(widening(7)).toBeCloseTo(2.3646242515927844 / 1.959963984540054, 8);
    expect(widening(1e7)).toBeCloseTo(1, 5);
  });
});
