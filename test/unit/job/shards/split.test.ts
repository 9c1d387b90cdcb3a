import { describe, expect, it } from 'vitest';
import { splitByCost } from '../../../../runner/job/shards/split.ts';
import { random } from '../../../../runner/math/random.ts';

/** Cost of a stretch: what its items cost, and what they share, which grows with the last of them. */
function costOf(costs: readonly number[], shared: readonly number[]) {
  return (from: number, to: number): number =>
    costs.slice(from, to).reduce((a, b) => a + b, 0) + shared[to - 1]!;
}

/** Every way to cut a row into stretches. */
function* cuts(count: number, of: number, from = 0): Generator<number[]> {
  if (of === 1) {
    yield [count];
    return;
  }
  for (let at = from + 1; at <= count - of + 1; at++)
    for (const rest of cuts(count, of - 1, at)) yield [at, ...rest];
}

function dearest(ends: readonly number[], cost: (from: number, to: number) => number): number {
  return Math.max(...ends.map((to, i) => cost(i === 0 ? 0 : ends[i - 1]!, to)));
}

describe('splitByCost', () => {
  it('gives the least largest cost of all cuts there are', () => {
    const draw = random('split', 1);
    for (let round = 0; round < 200; round++) {
      const count = 1 + draw.integer(9);
      const costs = Array.from({ length: count }, () => 1 + draw.integer(50));
      let sum = 0;
      const shared = costs.map(() => (sum += draw.integer(20)));
      const cost = costOf(costs, shared);
      for (let of = 1; of <= count; of++) {
        const ends = splitByCost(count, of, cost);
        expect(ends).toHaveLength(of);
        expect(ends.at(-1)).toBe(count);
        for (const [i, end] of ends.entries()) expect(end).toBeGreaterThan(i === 0 ? 0 : ends[i - 1]!);
        const least = Math.min(...[...cuts(count, of)].map((each) => dearest(each, cost)));
        expect(dearest(ends, cost)).toBe(least);
      }
    }
  });

  it('keeps equal items in equal numbers', () => {
    const cost = (from: number, to: number): number => to - from;
    expect(splitByCost(6, 3, cost)).toEqual([2, 4, 6]);
    expect(splitByCost(252, 252, cost)).toEqual(Array.from({ length: 252 }, (_, i) => i + 1));
  });

  it('refuses more stretches than items', () => {
    expect(() => splitByCost(2, 3, () => 1)).toThrow(RangeError);
  });
});
