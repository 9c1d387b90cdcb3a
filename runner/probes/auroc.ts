/** Area under the ROC curve: the chance that a positive scores above a negative, ties counting half. */

import { cancellationPoint } from '../math/cancellation.ts';
import type { Resamples } from '../metrics/bootstrap.ts';
import { newcombeArea } from '../metrics/proportions.ts';
import type { Estimate } from '../metrics/statistic.ts';
import { classCounts } from './features.ts';

/** Misplaced rows of the smaller class, about, below which resamples say too little and the interval is a formula. */
const FEW_MISPLACED = 5;

/**
 * AUROC of `scores` against `labels` (0 or 1), by midranks (Mann and Whitney 1947), with its value in each resample
 * of the rows. Take the resamples within classes: one that lost a class has no AUROC. Throws MalformedError when the
 * rows hold one class only, RangeError for a NaN score.
 */
export function auroc(
  scores: Float64Array,
  labels: ArrayLike<number>,
  resamples: Resamples,
  name = 'the test rows',
): Estimate {
  if (scores.length !== labels.length || resamples.blocks !== scores.length) {
    throw new RangeError(
      `auroc: ${scores.length} scores, ${labels.length} labels, resamples of ${resamples.blocks} rows`,
    );
  }
  const sorted = sortedRows(scores, labels, name);
  const { order, labels: sortedLabels, rises } = sorted;
  const { rows, count, weights } = resamples;
  const value = area(sorted, new Uint16Array(rows).fill(1), 0);
  const positives = sortedLabels.reduce((total, label) => total + label, 0);
  const negatives = rows - positives;
  const nearBound = Math.min(positives, negatives) * Math.min(value, 1 - value) < FEW_MISPLACED;
  return {
    value,
    ...(nearBound && {
      basis: {
        kind: 'formula',
        interval: { ...newcombeArea(value, negatives, positives), method: 'newcombe-5' },
      },
    }),
    leftOut: [{ resamples, values: withoutEach(order, sortedLabels, rises) }],
    samples: Float64Array.from({ length: count }, (_, b) => area(sorted, weights, b * rows)),
    ...(count === 0 && { intervalNote: 'too few test rows to resample' }),
  };
}

/** The area alone, as `auroc` computes it: for choosing between probes. */
export function areaUnder(
  scores: Float64Array,
  labels: ArrayLike<number>,
  name = 'the validation rows',
): number {
  const sorted = sortedRows(scores, labels, name);
  return area(sorted, new Uint16Array(scores.length).fill(1), 0);
}

/** Rows by ascending score, their labels, and 1 where a score is above that of the row before. */
interface SortedRows {
  order: Int32Array;
  labels: Uint8Array;
  rises: Uint8Array;
}

function sortedRows(scores: Float64Array, labels: ArrayLike<number>, name: string): SortedRows {
  if (scores.some(Number.isNaN)) throw new RangeError('auroc: NaN among the scores');
  const order = Int32Array.from(scores, (_, row) => row);
  classCounts(labels, order, name);
  order.sort((a, b) => scores[a]! - scores[b]! || a - b);
  return {
    order,
    labels: Uint8Array.from(order, (row) => labels[row]!),
    rises: Uint8Array.from(order, (row, i) => (i > 0 && scores[row]! > scores[order[i - 1]!]! ? 1 : 0)),
  };
}

/** @param weights from `start` on, how often each row counts */
function area({ order, labels, rises }: SortedRows, weights: Uint16Array, start: number): number {
  cancellationPoint();
  let negatives = 0;
  let positives = 0;
  let tiedNegatives = 0;
  let tiedPositives = 0;
  let pairs = 0;
  for (let i = 0; i < order.length; i++) {
    if (rises[i] === 1) {
      pairs += tiedPositives * (negatives + tiedNegatives / 2);
      negatives += tiedNegatives;
      positives += tiedPositives;
      tiedNegatives = 0;
      tiedPositives = 0;
    }
    const weight = weights[start + order[i]!]!;
    if (labels[i] === 1) tiedPositives += weight;
    else tiedNegatives += weight;
  }
  pairs += tiedPositives * (negatives + tiedNegatives / 2);
  return pairs / ((negatives + tiedNegatives) * (positives + tiedPositives));
}

/** The area with each row left out; NaN where that empties its class. Row numbers in `order` ascend by score. */
function withoutEach(order: Int32Array, sortedLabels: Uint8Array, rises: Uint8Array): Float64Array {
  const positives = sortedLabels.reduce((total, label) => total + label, 0);
  const negatives = order.length - positives;
  /** Pairs a row wins or loses rightly, ties counting half; each pair stands with both of its rows. */
  const right = new Float64Array(order.length);
  let below = 0;
  let pairs = 0;
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && rises[to] === 0) to++;
    let tiedPositives = 0;
    for (let i = from; i < to; i++) tiedPositives += sortedLabels[i]!;
    const tiedNegatives = to - from - tiedPositives;
    const positivesAbove = positives - (from - below) - tiedPositives;
    for (let i = from; i < to; i++) {
      const positive = sortedLabels[i] === 1;
      right[order[i]!] = positive ? below + tiedNegatives / 2 : positivesAbove + tiedPositives / 2;
      if (positive) pairs += below + tiedNegatives / 2;
    }
    below += tiedNegatives;
    from = to;
  }
  const left = new Float64Array(order.length);
  order.forEach((row, i) => {
    const positive = sortedLabels[i]!;
    left[row] = (pairs - right[row]!) / ((positives - positive) * (negatives - (1 - positive)));
  });
  return left;
}
