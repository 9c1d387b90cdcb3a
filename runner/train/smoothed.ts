/**
 * Exponential moving average that weighs its first values evenly instead of leaning on the very first: the decayed
 * sum divided by the decayed count (as Adam corrects its moments).
 */
export interface SmoothedState {
  sum: number;
  weight: number;
}

export const unsmoothed: SmoothedState = { sum: 0, weight: 0 };

export function smooth({ sum, weight }: SmoothedState, value: number, decay: number): SmoothedState {
  return { sum: decay * sum + (1 - decay) * value, weight: decay * weight + (1 - decay) };
}

/** The average, or null before the first value. */
export function smoothed({ sum, weight }: SmoothedState): number | null {
  return weight > 0 ? sum / weight : null;
}
