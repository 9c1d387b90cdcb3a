import { describe, expect, it } from 'vitest';
import {
  cosineTail,
  greatestCosineTail,
  meanGreatestCosine,
} from '../../../runner/math/random-directions.ts';
import golden from '../../fixtures/similarity/similarity.json' with { type: 'json' };

describe('random directions', () => {
  it.each(golden.random)(
    'of $d dimensions, nearest of $count: as scipy integrates it',
    ({ d, count, share, mean }) => {
      const found = greatestCosineTail(0.7, d, count);
      expect(Math.abs(found - share)).toBeLessThanOrEqual(1e-9 * share);
      expect(Math.abs(meanGreatestCosine(d, count) - mean)).toBeLessThan(1e-5);
    },
  );

  it('come as near as drawn ones do', () => {
    const { d, count, mean, error } = golden.drawn;
    expect(Math.abs(meanGreatestCosine(d, count) - mean)).toBeLessThan(4 * error);
  });

  it('point to either side alike', () => {
    expect(cosineTail(0, 10)).toBeCloseTo(0.5, 12);
    expect(cosineTail(-0.3, 10) + cosineTail(0.3, 10)).toBeCloseTo(1, 12);
    // On a circle the angle is even: P(c > cos α) = α / π.
    expect(cosineTail(0.5, 2)).toBeCloseTo(1 / 3, 12);
  });
});
