import type { Recipe } from './recipe.ts';

/**
 * Learning rate of a step, counted from 0: linear from 0 to the peak over `warmupSteps`, then half a cosine down to
 * the floor at `scheduleSteps`, then the floor. The very first step has rate 0 and only fills Adam's moments.
 */
export function learningRate(
  {
    learningRate: peak,
    learningRateFloor: floor,
    warmupSteps,
    scheduleSteps,
  }: Pick<Recipe, 'learningRate' | 'learningRateFloor' | 'warmupSteps' | 'scheduleSteps'>,
  step: number,
): number {
  if (step < warmupSteps) return (peak * step) / warmupSteps;
  if (step >= scheduleSteps) return floor;
  const progress = (step - warmupSteps) / (scheduleSteps - warmupSteps);
  return floor + ((peak - floor) * (1 + Math.cos(Math.PI * progress))) / 2;
}
