/** Share of rows that a probe puts on the right side. */
import { type Resamples, resamplesOf } from '../metrics/bootstrap.ts';
import { agrestiMin, wilson } from '../metrics/proportions.ts';
import { combine, type Estimate, overAllRows, type Statistic, sumOf } from '../metrics/statistic.ts';

/** 1 for a row whose score lies on its label's side: above 0 for label 1, at or below for label 0. */
export function correctRows(scores: Float64Array, labels: ArrayLike<number>): Uint8Array {
  return Uint8Array.from(scores, (score, row) => ((score > 0 ? 1 : 0) === labels[row] ? 1 : 0));
}

/**
 * F1 of one class; 0 where none of its rows is rightly foretold.
 *
 * @param right rows of the class that are foretold to be
 * @param wrong rows foretold to be of it that are not, and those of it that are not foretold
 */
export function f1Score(right: number, wrong: number): number {
  return right === 0 ? 0 : (2 * right) / (2 * right + wrong);
}

/** How often any of a part's rows was drawn: the same for every probe that is tested on them. */
const drawn = new WeakMap<Resamples, Estimate>();

/**
 * Accuracy with its value in each resample; its interval is Wilson's.
 *
 * @param places of the rows among those resampled; no row twice
 */
export function accuracy(correct: Uint8Array, places: ArrayLike<number>, resamples: Resamples): Statistic {
  const part = resamplesOf(resamples, places);
  const overAll = (column: Uint8Array): Estimate => overAllRows(sumOf(column, part), resamples, places);
  const rows = drawn.get(part) ?? overAll(new Uint8Array(part.rows).fill(1));
  drawn.set(part, rows);
  const share = combine([overAll(correct), rows], (a, b) => a / b, 'no test rows');
  if (share.value === null) return share;
  const interval = { ...wilson(share.value, part.rows), method: 'wilson' } as const;
  return { ...share, basis: { kind: 'formula', interval } };
}

/**
 * How far accuracy falls from one scoring of the same rows to another; its interval is Agresti and Min's.
 *
 * @param places as for `accuracy`
 */
export function accuracyFall(
  before: Uint8Array,
  after: Uint8Array,
  places: ArrayLike<number>,
  resamples: Resamples,
): Statistic {
  let [lost, gained] = [0, 0];
  before.forEach((right, row) => {
    if (right > after[row]!) lost++;
    if (right < after[row]!) gained++;
  });
  const [a, b] = [before, after].map((correct) => accuracy(correct, places, resamples));
  const fall = combine([a!, b!], (x, y) => x - y, 'an accuracy is not finite');
  if (fall.value === null) return fall;
  const interval = { ...agrestiMin(lost, gained, places.length), method: 'agresti-min' } as const;
  return { ...fall, basis: { kind: 'formula', interval } };
}
