import { describe, expect, it } from 'vitest';
import { random } from '../../../../runner/math/random.ts';
import { type Better, frontier, type Placed } from '../../../../site/explorer/frontier.ts';

/** By its meaning, point against point. */
function slowly(points: readonly Placed[], x: Better, y: Better): Placed[] {
  const [signX, signY] = [x === 'more' ? 1 : -1, y === 'more' ? 1 : -1];
  const beats = (a: Placed, b: Placed): boolean =>
    signX * a.x >= signX * b.x && signY * a.y >= signY * b.y && (a.x !== b.x || a.y !== b.y);
  return points.filter((point) => !points.some((other) => beats(other, point)));
}

const sorted = (points: readonly Placed[]): string[] => points.map(({ x, y }) => `${x} ${y}`).toSorted();

describe('the Pareto frontier', () => {
  it.each([
    ['less', 'more'],
    ['more', 'more'],
    ['less', 'less'],
    ['more', 'less'],
  ] as const)('is what no point beats, %s of x and %s of y', (x, y) => {
    const stream = random('frontier', x, y);
    for (let trial = 0; trial < 50; trial++) {
      // A coarse grid, so that many are equal on one axis or on both.
      const points = Array.from({ length: 30 }, () => ({ x: stream.integer(8), y: stream.integer(8) }));
      const found = frontier(points, x, y);
      expect(sorted(found)).toEqual(sorted(slowly(points, x, y)));
      expect(found.map((point) => point.x)).toEqual(found.map((point) => point.x).toSorted((a, b) => a - b));
    }
  });

  it('is empty of nothing', () => {
    expect(frontier([], 'less', 'more')).toEqual([]);
  });
});
