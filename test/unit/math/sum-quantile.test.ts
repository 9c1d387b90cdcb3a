import { describe, expect, it } from 'vitest';
import { growable } from '../../../runner/math/growable.ts';
import { median, quantileSorted, quantiles } from '../../../runner/math/quantile.ts';
import { mean, sum } from '../../../runner/math/sum.ts';

describe('sum', () => {
  it('keeps small terms next to large ones, in any order', () => {
    expect(sum([1, 1e100, 1, -1e100])).toBe(2);
    const many = new Float64Array(1_000_001).fill(0.1);
    many[500_000] = 1e15;
    expect(sum(many)).toBe(1e15 + 1e5);
  });

  it('lets NaN and infinity through', () => {
    expect(sum([1, Number.NaN])).toBeNaN();
    expect(sum([1, Number.POSITIVE_INFINITY])).toBe(Number.POSITIVE_INFINITY);
    expect(sum([])).toBe(0);
    expect(mean([])).toBeNaN();
  });
});

describe('quantiles', () => {
  it('interpolates between order statistics and leaves its input alone', () => {
    const values = [4, 1, 3, 2];
    expect(quantiles(values, [0, 0.25, 0.5, 1])).toEqual([1, 1.75, 2.5, 4]);
    expect(values).toEqual([4, 1, 3, 2]);
    expect(quantiles([10, 9], [0.5])).toEqual([9.5]);
  });

  it('has the end values at 0 and 1, and nothing of nothing', () => {
    expect(quantileSorted([5], 0.3)).toBe(5);
    expect(quantileSorted([], 0.3)).toBeNaN();
  });
});

describe('median', () => {
  it('is the middle, of an even number the mean of the two middle ones, of none nothing', () => {
    expect(median([5, 1, 3])).toBe(3);
    expect(median([4, 1, 10, 2])).toBe(3);
    expect(median([])).toBeNull();
  });
});

describe('growable', () => {
  it('holds what was appended across several enlargements', () => {
    const list = growable();
    for (let i = 0; i < 100; i++) list.push(i);
    list.append(Float64Array.from({ length: 1000 }, (_, i) => 100 + i));
    expect(list.length).toBe(1100);
    expect(Array.from(list.toArray())).toEqual(Array.from({ length: 1100 }, (_, i) => i));
  });
});
