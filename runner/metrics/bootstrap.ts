/**
 * Block bootstrap over rows (Efron 1979; rows are the blocks, because tokens of one text are not independent).
 * A resample is how often each row was drawn. The same resamples serve every metric and every SAE measured on the
 * same rows, so differences between SAEs are paired and sums of metrics keep their correlation.
 */
import { random } from '../math/random.ts';

export interface Resamples {
  /** Names the draws: resamples of equal keys drew the same rows of the same data. */
  key: string;
  rows: number;
  /** Rows that are drawn among one another: all of them, or those of each class. */
  strata: readonly Int32Array[];
  /** Number of resamples; 0 where there are too few rows to resample (fewer than two). */
  count: number;
  /** [count, rows] row-major: times the row was drawn. */
  weights: Uint16Array;
}

export interface ResampleOptions {
  count?: number;
  /** Names the stream: equal seeds and rows give equal resamples. */
  seed?: number | string;
}

/** Resamples used by every published interval. */
export const RESAMPLES = 1_000;

/** `rows` rows drawn with replacement, `count` times. */
export function resampleRows(rows: number, options: ResampleOptions = {}): Resamples {
  return resampleStrata('rows', [Int32Array.from({ length: rows }, (_, row) => row)], rows, options);
}

/**
 * Draws within each class, so that every resample holds as many rows of each class as the data: an AUROC is then
 * defined in all of them. `labels` are small integers from 0, one a row.
 */
export function resampleWithinClasses(labels: ArrayLike<number>, options: ResampleOptions = {}): Resamples {
  const classes: number[][] = [[], []];
  for (let row = 0; row < labels.length; row++) {
    while (classes.length <= labels[row]!) classes.push([]);
    classes[labels[row]!]!.push(row);
  }
  return resampleStrata(
    'classes',
    classes.map((each) => Int32Array.from(each)),
    labels.length,
    options,
  );
}

/** Parts made before, by what they are part of and by the list of their rows. */
const parts = new WeakMap<Resamples, WeakMap<ArrayLike<number>, Resamples>>();

/**
 * The same draws, of some of the rows: how often each of these was drawn. What is made of them goes back to all rows by
 * `overAllRows`.
 *
 * @param subset places of the rows; the same list gives the same object, so it must not change
 */
export function resamplesOf(all: Resamples, subset: ArrayLike<number>): Resamples {
  const known = parts.get(all) ?? new WeakMap<ArrayLike<number>, Resamples>();
  parts.set(all, known);
  const part = known.get(subset) ?? partOf(all, subset);
  known.set(subset, part);
  return part;
}

function partOf(all: Resamples, subset: ArrayLike<number>): Resamples {
  const { count } = all;
  const weights = new Uint16Array(count * subset.length);
  for (let b = 0, at = 0; b < count; b++) {
    for (let i = 0; i < subset.length; i++, at++) weights[at] = all.weights[b * all.rows + subset[i]!]!;
  }
  return { key: `${all.key} in part`, rows: subset.length, strata: [], count, weights };
}

function resampleStrata(
  among: 'rows' | 'classes',
  strata: readonly Int32Array[],
  rows: number,
  { count = RESAMPLES, seed = 0 }: ResampleOptions,
): Resamples {
  if (!Number.isInteger(rows) || rows < 0) throw new RangeError(`resampleRows: ${rows} rows`);
  const usable = strata.some((stratum) => stratum.length > 1);
  const resamples = usable ? count : 0;
  const weights = new Uint16Array(resamples * rows);
  const stream = random('bootstrap', seed, rows);
  for (let b = 0; b < resamples; b++) {
    for (const stratum of strata) {
      for (let draw = 0; draw < stratum.length; draw++) {
        weights[b * rows + stratum[stream.integer(stratum.length)]!]!++;
      }
    }
  }
  return { key: `${seed}:${rows} ${among}`, rows, strata, count: resamples, weights };
}
