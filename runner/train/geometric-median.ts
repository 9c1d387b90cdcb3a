/** Keeps a point at distance 0 from taking all the weight. */
const NEAREST = 1e-10;

/**
 * Geometric median of points, by Weiszfeld's iteration from their mean: each round is the mean weighted by
 * 1 / distance. It resists the few tokens of huge norm (attention sinks) that pull the mean away. Float64 throughout.
 *
 * @param points [count, width] row-major
 * @returns float64 [width]
 */
export function geometricMedian(points: Float32Array, width: number, iterations: number): Float64Array {
  const count = points.length / width;
  if (!Number.isInteger(count) || count === 0) {
    throw new RangeError(`${points.length} values are not whole rows of ${width}, or none`);
  }
  let centre = new Float64Array(width);
  for (let at = 0; at < points.length; at += width) {
    for (let i = 0; i < width; i++) centre[i]! += points[at + i]! / count;
  }
  for (let round = 0; round < iterations; round++) {
    const next = new Float64Array(width);
    let total = 0;
    for (let at = 0; at < points.length; at += width) {
      let square = 0;
      for (let i = 0; i < width; i++) {
        const difference = points[at + i]! - centre[i]!;
        square += difference * difference;
      }
      const weight = 1 / Math.max(Math.sqrt(square), NEAREST);
      total += weight;
      for (let i = 0; i < width; i++) next[i]! += weight * points[at + i]!;
    }
    for (let i = 0; i < width; i++) next[i]! /= total;
    centre = next;
  }
  return centre;
}
