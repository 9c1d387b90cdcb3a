import type { TrajectoryPoint } from '../report/schema.ts';

/** Whether a step (counted from 1) is logged: 1, 2 and 5 × 10^i, and every `every` steps. */
export function isLogged(step: number, every: number): boolean {
  return step % every === 0 || isLogSpaced(step);
}

/** Whether a step (counted from 1) is 1, 2 or 5 × 10^i. */
export function isLogSpaced(step: number): boolean {
  const scale = 10 ** Math.floor(Math.log10(step) + 1e-9);
  return step === scale || step === 2 * scale || step === 5 * scale;
}

/** The logged points, closed with the latest step's where that was not logged itself. */
export function closed(
  points: readonly TrajectoryPoint[],
  latest: TrajectoryPoint | null,
): TrajectoryPoint[] {
  const last = points.at(-1);
  return latest === null || last?.step === latest.step ? [...points] : [...points, latest];
}
