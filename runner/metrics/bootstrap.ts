/**
 * Block bootstrap (Efron 1979; Davison and Hinkley 1997, section 3.8, for clusters). The blocks are documents, because
 * tokens of one text are not independent, whichever rows it fills; a resample is how often each document was drawn, and
 * its rows come with it. The same resamples serve every metric and every SAE measured on the
 * same rows, so differences between SAEs are paired and sums of metrics keep their correlation.
 */
import { drawBlocks } from '../math/draws.ts';

export interface Resamples {
  /** Names the draws: resamples of equal keys drew the same rows of the same data. */
  key: string;
  /** Names the stream of draws. */
  seed: number | string;
  rows: number;
  /** What is drawn: documents, or rows that are each their own. */
  blocks: number;
  /** Block of each row, [rows]; null where every row is its own. */
  blockOf: Int32Array | null;
  /** Blocks that are drawn among one another: all of them, or those of each class. */
  strata: readonly Int32Array[];
  /** Number of resamples; 0 where there are too few blocks to resample (fewer than two). */
  count: number;
  /** [count, blocks] row-major: times the block was drawn. */
  weights: Uint16Array;
}

export interface ResampleOptions {
  count?: number | undefined;
  /** Names the stream: equal seeds and rows give equal resamples. */
  seed?: number | string | undefined;
}

/** Resamples used by every published interval. */
const RESAMPLES = 1_000;

/**
 * Blocks drawn with replacement, `count` times.
 *
 * @param documents number of the document of each row, [rows]; every row is a block of its own without it
 */
export function resampleRows(
  rows: number,
  options: ResampleOptions = {},
  documents?: ArrayLike<number>,
): Resamples {
  if (documents !== undefined && documents.length !== rows) {
    throw new RangeError(`resampleRows: ${rows} rows, documents of ${documents.length}`);
  }
  const blockOf = documents === undefined ? null : numbered(documents);
  const blocks = blockOf === null ? rows : blockOf.reduce((most, block) => Math.max(most, block + 1), 0);
  const all = Int32Array.from({ length: blocks }, (_, block) => block);
  const drawn = resampleStrata('rows', [all], blocks, options);
  if (blockOf === null || blocks === rows) return drawn;
  return { ...drawn, key: `${drawn.key} of ${rows}`, rows, blockOf };
}

/** Documents numbered from 0 in the order in which they first appear. */
function numbered(documents: ArrayLike<number>): Int32Array {
  const numbers = new Map<number, number>();
  return Int32Array.from(documents, (document) => {
    const known = numbers.get(document) ?? numbers.size;
    numbers.set(document, known);
    return known;
  });
}

/** Sums over the rows of each block of `width` numbers per row: [rows, width] to [blocks, width]. */
export function sumsOfBlocks<T extends ArrayLike<number>>(
  column: T,
  { rows, blocks, blockOf }: Resamples,
  width = 1,
): T | Float64Array {
  if (column.length !== rows * width) {
    throw new RangeError(`statistics of ${column.length / width} rows, ${rows} rows in the resamples`);
  }
  if (blockOf === null) return column;
  const sums = new Float64Array(blocks * width);
  for (let row = 0, at = 0; row < rows; row++) {
    const start = blockOf[row]! * width;
    for (let i = 0; i < width; i++, at++) sums[start + i]! += column[at]!;
  }
  return sums;
}

/**
 * Draws within each class, so that every resample holds as many rows of each class as the data: an AUROC is then
 * defined in all of them. `labels` are small integers from 0, one per row.
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
  // All of them in their order are no part.
  if (all.blockOf === null && subset.length === all.rows && areInOrder(subset)) return all;
  const known = parts.get(all) ?? new WeakMap<ArrayLike<number>, Resamples>();
  parts.set(all, known);
  const part = known.get(subset) ?? partOf(all, subset);
  known.set(subset, part);
  return part;
}

function areInOrder(places: ArrayLike<number>): boolean {
  for (let i = 0; i < places.length; i++) if (places[i] !== i) return false;
  return true;
}

function partOf(all: Resamples, subset: ArrayLike<number>): Resamples {
  const { count } = all;
  const weights = new Uint16Array(count * subset.length);
  for (let b = 0, at = 0; b < count; b++) {
    for (let i = 0; i < subset.length; i++, at++) weights[at] = all.weights[b * all.rows + subset[i]!]!;
  }
  const { length } = subset;
  const key = `${all.key} in part`;
  return { key, seed: all.seed, rows: length, blocks: length, blockOf: null, strata: [], count, weights };
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
  const weights = drawBlocks(strata, rows, resamples, seed);
  const key = `${seed}:${rows} ${among}`;
  return { key, seed, rows, blocks: rows, blockOf: null, strata, count: resamples, weights };
}
