/** Which points no other point beats on both axes. Pure. */

export interface Placed {
  x: number;
  y: number;
}

/** Whether more or less of what an axis shows is better. */
export type Better = 'more' | 'less';

/**
 * The Pareto frontier, in the order of x: points such that no other is at least as good on both axes and better on one.
 * Of equal points each stands.
 */
export function frontier<Point extends Placed>(points: readonly Point[], x: Better, y: Better): Point[] {
  const [signX, signY] = [x === 'more' ? 1 : -1, y === 'more' ? 1 : -1];
  const byBest = points.toSorted((a, b) => signX * (b.x - a.x) || signY * (b.y - a.y));
  const kept: Point[] = [];
  let best = Number.NEGATIVE_INFINITY;
  for (const point of byBest) {
    const value = signY * point.y;
    const last = kept.at(-1);
    if (value > best || (last !== undefined && last.x === point.x && last.y === point.y)) kept.push(point);
    best = Math.max(best, value);
  }
  return kept.toSorted((a, b) => a.x - b.x);
}
