import { describe, expect, it } from 'vitest';
import { random } from '../../../runner/math/random.ts';
import { topK } from '../../../runner/math/topk.ts';

/** The definition, by a full sort. */
function sorted(values: Float32Array, k: number): number[] {
  return Array.from(values.keys())
    .sort((a, b) => values[b]! - values[a]! || a - b)
    .slice(0, k);
}

describe('topK', () => {
  it.each([
    [1, 1],
    [7, 3],
    [100, 0],
    [100, 100],
    [1000, 64],
  ])('agrees with a full sort: %i values, k = %i', (length, k) => {
    const stream = random('topk', length, k);
    for (let round = 0; round < 20; round++) {
      // Few distinct values: most of the order is decided by the tie rule.
      const values = Float32Array.from({ length }, () =>
        round % 2 ? stream.integer(5) - 2 : stream.gaussian(),
      );
      const found = topK(values, k);
      expect(Array.from(found.indices)).toEqual(sorted(values, k));
      expect(Array.from(found.values)).toEqual(sorted(values, k).map((i) => values[i]));
    }
  });

  it('takes the lowest indices of equal values', () => {
    expect(Array.from(topK(Float32Array.of(1, 2, 2, 2, 0), 2).indices)).toEqual([1, 2]);
    expect(Array.from(topK(Float32Array.of(-0, 0, -0), 2).indices)).toEqual([0, 1]);
  });

  it('orders infinities', () => {
    const values = Float32Array.of(Number.NEGATIVE_INFINITY, 3, Number.POSITIVE_INFINITY);
    expect(Array.from(topK(values, 3).indices)).toEqual([2, 1, 0]);
  });

  it('refuses NaN and a k that does not fit', () => {
    expect(() => topK(Float32Array.of(1, Number.NaN), 1)).toThrow(/NaN at index 1/);
    expect(() => topK(Float32Array.of(Number.NaN, 1), 1)).toThrow(/NaN at index 0/);
    expect(() => topK(Float32Array.of(1), 2)).toThrow(RangeError);
    expect(() => topK(Float32Array.of(1), -1)).toThrow(RangeError);
    expect(() => topK(Float32Array.of(1), 0.5)).toThrow(RangeError);
  });
});
