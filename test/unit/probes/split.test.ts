import { describe, expect, it } from 'vitest';
import { UserError } from '../../../runner/errors.ts';
import { leakedRows, splitRows } from '../../../runner/probes/split.ts';
import golden from '../../fixtures/cpython-random/cpython-random.json' with { type: 'json' };

describe('splitRows', () => {
  it('is the reference split: first 1,500 rows in the order of CPython’s shuffle, 80 % train', () => {
    const { train, test } = splitRows(40_000, { limit: 1500 });
    expect(train).toHaveLength(1200);
    expect([...train, ...test]).toEqual(golden.shuffle1500_seed0);
  });

  it('takes all rows where there are fewer, and rounds the training part down', () => {
    const { train, test } = splitRows(9, { limit: 1500 });
    expect([train.length, test.length]).toEqual([7, 2]);
    expect([...train, ...test].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('refuses too few rows', () => {
    expect(() => splitRows(1, { limit: 10 })).toThrow(UserError);
    expect(() => splitRows(0, { limit: 10 })).toThrow(/found 0 usable rows/);
  });
});

describe('leakedRows', () => {
  it('counts test rows whose text was trained on', () => {
    const split = { train: Int32Array.of(0, 1, 2), test: Int32Array.of(3, 4, 5) };
    expect(leakedRows(['a', 'b', 'c', ' a\n', 'a', 'd'], split)).toBe(2);
    expect(leakedRows(['a', 'b', 'c', 'A', 'e', 'd'], split)).toBe(0);
  });
});
