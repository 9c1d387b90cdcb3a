/** How near random directions lie to one another: unit vectors drawn evenly over the sphere in d dimensions. */
import { studentTail } from './student.ts';

/** P(c > x) of the cosine c between two of them, x in (−1, 1): c·√((d−1)/(1−c²)) is Student's t with d − 1 degrees of freedom. */
export function cosineTail(x: number, d: number): number {
  const t = Math.abs(x) * Math.sqrt((d - 1) / (1 - x * x));
  const tail = studentTail(t, d - 1);
  return x >= 0 ? tail : 1 - tail;
}

/** P(greatest cosine of one with `count` others > x). */
export function greatestCosineTail(x: number, d: number, count: number): number {
  return -Math.expm1(count * Math.log1p(-cosineTail(x, d)));
}

/** Intervals of Simpson's rule over [−1, 1]. */
const STEPS = 4_000;

/** Mean of the greatest cosine of one with `count` others: ∫ P(greatest > x) dx over [−1, 1], less 1. To 1e-6 for d up to 1e5. */
export function meanGreatestCosine(d: number, count: number): number {
  let sum = 0;
  for (let i = 0; i <= STEPS; i++) {
    const x = -1 + (2 * i) / STEPS;
    const tail = i === 0 ? 1 : i === STEPS ? 0 : greatestCosineTail(x, d, count);
    sum += tail * (i === 0 || i === STEPS ? 1 : i % 2 === 1 ? 4 : 2);
  }
  return (sum * 2) / STEPS / 3 - 1;
}
