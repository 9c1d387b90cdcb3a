/**
 * A statistic is its value together with its value in every resample, and its value with each document left out. Metrics
 * are built from sums over rows by ordinary formulas applied to all of them, and so is the composite. Two kinds of value
 * are not: `alive`, whose resamples are to first order (alive.ts), and proportions of texts, whose intervals are formulas
 * of their own (proportions.ts), put together by MOVER where several are averaged (mover.ts).
 */

import { cancellationPoint } from '../math/cancellation.ts';
import { sum } from '../math/sum.ts';
import type { Measure } from '../report/schema.ts';
import { type Resamples, sumsOfBlocks } from './bootstrap.ts';
import type { Estimate, Interval, IntervalMap, LeftOut, MadeInterval } from './estimate.ts';
import { bootstrapInterval, carriers } from './interval.ts';

export type { Estimate, Interval, IntervalMap, LeftOut } from './estimate.ts';

export interface Unmeasured {
  value: null;
  reason: string;
}

export type Statistic = Estimate | Unmeasured;

/** Values a quantity can have, both ends included; null where there is no bound. */
export type Range = readonly [number | null, number | null];

const UNBOUNDED: Range = [null, null];

export const NO_TOKENS = 'no tokens were kept by the mask';

const TOO_FEW = 'fewer than two documents: nothing to resample';

/** Where so few blocks, of so many, make up half of a value's variance, its interval is doubtful. */
const FEW_CARRIERS = 2;
const OF_BLOCKS = 16;

export function unmeasured(reason: string): Unmeasured {
  return { value: null, reason };
}

/** A number known without error, such as a setting: equal in every resample. */
export function constant(value: number, resamples: Resamples): Estimate {
  return withNote(value, new Float64Array(resamples.count).fill(value), [], resamples);
}

/** Σ over rows of one column of sufficient statistics. */
export function sumOf(column: ArrayLike<number>, resamples: Resamples): Estimate {
  const { blocks, count, weights } = resamples;
  const sums = sumsOfBlocks(column, resamples);
  const samples = new Float64Array(count);
  for (let b = 0, at = 0; b < count; b++) {
    cancellationPoint();
    let total = 0;
    for (let block = 0; block < blocks; block++, at++) total += weights[at]! * sums[block]!;
    samples[b] = total;
  }
  const value = sum(column);
  const without = Float64Array.from(sums, (each) => value - each);
  return withNote(value, samples, [{ resamples, values: without }], resamples);
}

/**
 * The formula applied to the values, and to the inputs' values in each resample. An unmeasured input makes the result
 * unmeasured; so does a formula without a finite value, for the reason given.
 */
export function combine(
  inputs: readonly Statistic[],
  formula: (...values: number[]) => number,
  undefinedReason: string,
): Statistic {
  const estimates: Estimate[] = [];
  for (const input of inputs) {
    if (input.value === null) return input;
    estimates.push(input);
  }
  const value = formula(...estimates.map((estimate) => estimate.value));
  if (!Number.isFinite(value)) return unmeasured(undefinedReason);

  const without = estimates.find((estimate) => estimate.samples.length === 0);
  if (without) {
    return { value, samples: without.samples, leftOut: [], intervalNote: without.intervalNote ?? TOO_FEW };
  }
  const count = estimates[0]?.samples.length ?? 0;
  if (estimates.some((estimate) => estimate.samples.length !== count)) {
    throw new RangeError('combine: the inputs come from different numbers of resamples');
  }
  const samples = new Float64Array(count);
  const arguments_ = new Array<number>(estimates.length);
  let undefinedCount = 0;
  for (let b = 0; b < count; b++) {
    for (let i = 0; i < estimates.length; i++) arguments_[i] = estimates[i]!.samples[b]!;
    samples[b] = formula(...arguments_);
    if (!Number.isFinite(samples[b]!)) undefinedCount++;
  }
  if (undefinedCount > 0) {
    const intervalNote = `undefined in ${undefinedCount} of ${count} resamples: ${undefinedReason}`;
    return { value, samples: new Float64Array(0), leftOut: [], intervalNote };
  }
  return { value, samples, leftOut: leftOutOf(estimates, formula) };
}

/** The formula with one block left out at a time; inputs that do not depend on that block keep their value. */
function leftOutOf(estimates: readonly Estimate[], formula: (...values: number[]) => number): LeftOut[] {
  const sources = new Map(
    estimates.flatMap(({ leftOut }) => leftOut.map(({ resamples }) => [resamples.key, resamples] as const)),
  );
  return [...sources.values()].map((resamples) => {
    const columns = estimates.map(
      ({ leftOut }) => leftOut.find((each) => each.resamples.key === resamples.key)?.values,
    );
    const inputs = estimates.map(({ value }) => value);
    const values = Float64Array.from({ length: resamples.blocks }, (_, block) => {
      columns.forEach((column, i) => {
        if (column !== undefined) inputs[i] = column[block]!;
      });
      return formula(...inputs);
    });
    return { resamples, values };
  });
}

/** An estimate of `resamplesOf(all, subset)` as one of all rows; the others do not change it. */
export function overAllRows(estimate: Estimate, all: Resamples, subset: ArrayLike<number>): Estimate {
  const values = new Float64Array(all.blocks).fill(estimate.value);
  for (const { values: part } of estimate.leftOut) {
    for (let i = 0; i < subset.length; i++) values[subset[i]!] = part[i]!;
  }
  return { ...estimate, leftOut: [{ resamples: all, values }] };
}

/**
 * The statistic cut to a range in which its definition keeps it. The interval is that of the statistic as it was before,
 * its ends cut: resamples that are cut one by one would pile up at the bound and make it too narrow.
 */
export function clipped(statistic: Statistic, [least, most]: readonly [number, number]): Statistic {
  return imageOf(statistic, { to: 'cut', range: [least, most] });
}

/**
 * The image of a statistic, its interval the image of that statistic's: taken on a scale where resamples are closer to a
 * normal than on the image's.
 */
export function imageOf(of: Statistic, map: IntervalMap): Statistic {
  if (of.value === null) return of;
  const mapped = combine([of], (value) => imageOfValue(value, map), 'the value is not finite');
  if (mapped.value === null || of.samples.length === 0) return mapped;
  return { ...mapped, basis: { kind: 'image', of, map } };
}

function imageOfValue(value: number, map: IntervalMap): number {
  switch (map.to) {
    case 'cut':
      return Math.min(map.range[1], Math.max(map.range[0], value));
    case 'complement':
      return 1 - value;
    case 'folded-exponential':
      return Math.exp(-Math.abs(value));
  }
}

function imageOfInterval({ low, high }: Interval, map: IntervalMap): Interval {
  const ends = [imageOfValue(low, map), imageOfValue(high, map)];
  // The fold is at its highest between ends on both sides of it.
  const folded = map.to === 'folded-exponential' && low <= 0 && high >= 0;
  return { low: Math.min(...ends), high: folded ? 1 : Math.max(...ends) };
}

/** The 95 % interval, kept within `range`; null where there are no resamples. How it is formed: interval.ts. */
export function interval(estimate: Estimate, range: Range = UNBOUNDED): MadeInterval | null {
  const found = ownInterval(estimate);
  if (found === null) return null;
  const [least, most] = range;
  const cut = (value: number): number =>
    Math.min(most ?? Number.POSITIVE_INFINITY, Math.max(least ?? Number.NEGATIVE_INFINITY, value));
  return { ...found, low: cut(found.low), high: cut(found.high) };
}

function ownInterval(estimate: Estimate): MadeInterval | null {
  const { basis, samples } = estimate;
  if (samples.length === 0) return null;
  if (basis?.kind === 'formula') return basis.interval;
  if (basis?.kind !== 'image') return bootstrapInterval(estimate);
  const under = ownInterval(basis.of);
  return under && { ...imageOfInterval(under, basis.map), method: under.method };
}

/** The record's form of a statistic; `range` holds the values its definition allows, ends included. */
export function toMeasure(
  statistic: Statistic,
  extra: { window_tokens?: number; note?: string } = {},
  range: Range = UNBOUNDED,
): Measure {
  if (statistic.value === null) return { value: null, reason: statistic.reason };
  const found = interval(statistic, range);
  const { intervalNote } = statistic;
  return {
    value: statistic.value,
    ...(found === null
      ? { interval: null, interval_note: intervalNote ?? TOO_FEW }
      : {
          interval: { low: found.low, high: found.high },
          method: found.method,
          ...noteOf(doubtOf(statistic, found), besideOf(statistic.value, found)),
        }),
    ...extra,
  };
}

/** An interval of resamples that few blocks decide, in words for the record. */
function doubtOf(estimate: Estimate, { method }: MadeInterval): string | null {
  if (method !== 'studentised@3' && method !== 'percentile@2') return null;
  const under = estimate.basis?.kind === 'image' ? estimate.basis.of : estimate;
  const { few, of } = carriers(under.leftOut);
  if (of < OF_BLOCKS || few > FEW_CARRIERS) return null;
  return `${few} of ${of} documents or texts make up half of the variance: with tails so heavy an interval holds less often than it claims`;
}

/** Of resamples that nearly all lie on one side of the value, as at a peak, the interval may not hold it. */
function besideOf(value: number, { low, high }: MadeInterval): string | null {
  if (value >= low && value <= high) return null;
  return 'the value lies beside it: nearly all resamples lie on one side of the value, and the interval makes up for that';
}

function noteOf(...words: (string | null)[]): { interval_note?: string } {
  const said = words.filter((each) => each !== null);
  return said.length === 0 ? {} : { interval_note: said.join('; ') };
}

function withNote(
  value: number,
  samples: Float64Array,
  leftOut: readonly LeftOut[],
  { count }: Resamples,
): Estimate {
  return count > 0 ? { value, samples, leftOut } : { value, samples, leftOut, intervalNote: TOO_FEW };
}
