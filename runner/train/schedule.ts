import type { Recipe } from './recipe.ts';

type Schedule = Pick<Recipe, 'learningRate' | 'learningRateFloor' | 'warmupSteps' | 'scheduleSteps'> &
  Partial<Pick<Recipe, 'dSae' | 'learningRateRule' | 'decay' | 'decayStartStep'>>;

/**
 * Learning rate of a step, counted from 0: linear from 0 to the peak over `warmupSteps`, the peak until
 * `decayStartStep`, then half a cosine (or a line) down to the floor at `scheduleSteps`, then the floor. The very
 * first step has rate 0 and only fills Adam's moments.
 */
export function learningRate(schedule: Schedule, step: number): number {
  const { warmupSteps, scheduleSteps, decay = 'cosine' } = schedule;
  const scale = widthScale(schedule);
  const [peak, floor] = [schedule.learningRate * scale, schedule.learningRateFloor * scale];
  if (step < warmupSteps) return (peak * step) / warmupSteps;
  if (decay === 'none') return peak;
  const start = schedule.decayStartStep ?? warmupSteps;
  if (step < start) return peak;
  if (step >= scheduleSteps) return floor;
  const progress = (step - start) / (scheduleSteps - start);
  switch (decay) {
    case 'cosine':
      return floor + ((peak - floor) * (1 + Math.cos(Math.PI * progress))) / 2;
    case 'linear':
      return peak + (floor - peak) * progress;
    default:
      return decay satisfies never;
  }
}

/** Gao et al. 2024, arXiv 2406.04093, figure 3: the best rate falls with the root of the width; 1 at 2^14 latents. */
function widthScale({ learningRateRule = 'fixed', dSae = 2 ** 14 }: Schedule): number {
  switch (learningRateRule) {
    case 'fixed':
      return 1;
    case 'width':
      return 1 / Math.sqrt(dSae / 2 ** 14);
    default:
      return learningRateRule satisfies never;
  }
}
