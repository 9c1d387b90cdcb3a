/**
 * A statistic is its value together with its value in every resample, and its value with each row left out. Metrics are
 * built from sums over rows by ordinary formulas applied to all of them, and so is the composite: no interval is ever
 * propagated by approximation.
 */
import { sum } from '../math/sum.ts';
import type { Measure } from '../report/schema.ts';
import type { Resamples } from './bootstrap.ts';
import { bootstrapInterval } from './interval.ts';

export interface Estimate {
  value: number;
  /** The value in each resample; empty where no interval can be given, and then `intervalNote` says why. */
  samples: Float64Array;
  /** For each set of rows the value depends on, its value with one of them left out. */
  leftOut: readonly LeftOut[];
  intervalNote?: string;
}

export interface LeftOut {
  resamples: Resamples;
  /** [rows] */
  values: Float64Array;
}

export interface Unmeasured {
  value: null;
  reason: string;
}

export type Statistic = Estimate | Unmeasured;

export interface Interval {
  low: number;
  high: number;
}

/** Values a quantity can have, both ends included; null where there is no bound. */
export type Range = readonly [number | null, number | null];

const UNBOUNDED: Range = [null, null];

export const NO_TOKENS = 'no tokens were kept by the mask';

const TOO_FEW = 'fewer than two rows: nothing to resample';

export function unmeasured(reason: string): Unmeasured {
  return { value: null, reason };
}

/** A number known without error, such as a setting: equal in every resample. */
export function constant(value: number, resamples: Resamples): Estimate {
  return withNote(value, new Float64Array(resamples.count).fill(value), [], resamples);
}

/** Σ over rows of one column of sufficient statistics. */
export function sumOf(column: ArrayLike<number>, resamples: Resamples): Estimate {
  const { rows, count, weights } = resamples;
  if (column.length !== rows) {
    throw new RangeError(`sumOf: ${column.length} rows of statistics, ${rows} rows in the resamples`);
  }
  const samples = new Float64Array(count);
  for (let b = 0, at = 0; b < count; b++) {
    let total = 0;
    for (let row = 0; row < rows; row++, at++) total += weights[at]! * column[row]!;
    samples[b] = total;
  }
  const value = sum(column);
  const without = Float64Array.from(column, (each) => value - each);
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

/** The formula with one row left out at a time; inputs that do not depend on that row keep their value. */
function leftOutOf(estimates: readonly Estimate[], formula: (...values: number[]) => number): LeftOut[] {
  const sources = new Map(
    estimates.flatMap(({ leftOut }) => leftOut.map(({ resamples }) => [resamples.key, resamples] as const)),
  );
  return [...sources.values()].map((resamples) => {
    const columns = estimates.map(
      ({ leftOut }) => leftOut.find((each) => each.resamples.key === resamples.key)?.values,
    );
    const inputs = estimates.map(({ value }) => value);
    const values = Float64Array.from({ length: resamples.rows }, (_, row) => {
      columns.forEach((column, i) => {
        if (column !== undefined) inputs[i] = column[row]!;
      });
      return formula(...inputs);
    });
    return { resamples, values };
  });
}

/** An estimate of `resamplesOf(all, subset)` as one of all rows; the others do not change it. */
export function overAllRows(estimate: Estimate, all: Resamples, subset: ArrayLike<number>): Estimate {
  const values = new Float64Array(all.rows).fill(estimate.value);
  for (const { values: part } of estimate.leftOut) {
    for (let i = 0; i < subset.length; i++) values[subset[i]!] = part[i]!;
  }
  return { ...estimate, leftOut: [{ resamples: all, values }] };
}

/** Arithmetic mean of statistics, in every resample. */
export function meanOf(statistics: readonly Statistic[]): Statistic {
  return combine(
    statistics,
    (...values) => values.reduce((total, value) => total + value, 0) / values.length,
    'there is nothing to take the mean of',
  );
}

/** Difference of two statistics of the same resamples: the paired bootstrap of two SAEs on the same tokens. */
export function difference(a: Statistic, b: Statistic): Statistic {
  return combine([a, b], (x, y) => x - y, 'the difference is not finite');
}

/** The 95 % interval, kept within `range`; null where there are no resamples. How it is formed: interval.ts. */
export function interval(estimate: Estimate, range: Range = UNBOUNDED): Interval | null {
  if (estimate.samples.length === 0) return null;
  const { low, high } = bootstrapInterval(estimate);
  const [least, most] = range;
  return {
    low: least === null ? low : Math.max(low, least),
    high: most === null ? high : Math.min(high, most),
  };
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
    interval: found,
    ...(found === null && { interval_note: intervalNote ?? TOO_FEW }),
    ...extra,
  };
}

function withNote(
  value: number,
  samples: Float64Array,
  leftOut: readonly LeftOut[],
  { count }: Resamples,
): Estimate {
  return count > 0 ? { value, samples, leftOut } : { value, samples, leftOut, intervalNote: TOO_FEW };
}
