/** Share of rows that a probe puts on the right side. */
import type { Resamples } from '../metrics/bootstrap.ts';
import { combine, type Statistic, sumOf } from '../metrics/statistic.ts';

/** 1 for a row whose score lies on its label's side: above 0 for label 1, at or below for label 0. */
export function correctRows(scores: Float64Array, labels: ArrayLike<number>): Uint8Array {
  return Uint8Array.from(scores, (score, row) => ((score > 0 ? 1 : 0) === labels[row] ? 1 : 0));
}

/**
 * Accuracy with its value in each resample.
 *
 * @param places of the rows among those resampled
 */
export function accuracy(correct: Uint8Array, places: ArrayLike<number>, resamples: Resamples): Statistic {
  const right = new Uint8Array(resamples.rows);
  const counted = new Uint8Array(resamples.rows);
  correct.forEach((value, i) => {
    right[places[i]!] = value;
    counted[places[i]!] = 1;
  });
  return combine([sumOf(right, resamples), sumOf(counted, resamples)], (a, b) => a / b, 'no test rows');
}
