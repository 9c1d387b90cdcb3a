/** Which rows of a probe data set train the probe and which test it. */
import { UserError } from '../errors.ts';
import { cpythonRandom } from '../math/cpython-random.ts';

export interface Split {
  /** Row numbers, in the order of the shuffle. */
  train: Int32Array;
  test: Int32Array;
}

export interface SplitOptions {
  /** At most this many rows, the first ones. */
  limit: number;
  /** Seed of CPython's `random.Random(seed).shuffle`. */
  seed?: number | undefined;
  /** Share of the rows that train, rounded down. */
  trainShare?: number;
}

/**
 * The first `limit` rows of the `rows` usable ones, shuffled as CPython's `random.Random(seed).shuffle` does; the first
 * `trainShare` of that order train, the rest test. Throws UserError where either side would be empty.
 */
export function splitRows(rows: number, { limit, seed = 0, trainShare = 0.8 }: SplitOptions): Split {
  const count = Math.min(rows, limit);
  const order = cpythonRandom(seed).shuffle(Array.from({ length: count }, (_, row) => row));
  const cut = Math.floor(trainShare * count);
  if (cut < 1 || cut >= count) {
    throw new UserError({
      thing: 'probe data set',
      found: `${rows} usable rows`,
      expected: 'enough rows for a training and a test part',
      next: 'Use a larger data set.',
    });
  }
  return { train: Int32Array.from(order.slice(0, cut)), test: Int32Array.from(order.slice(cut)) };
}

/** Test rows whose text also stands in the training rows, white space at both ends aside: they leak their label. */
export function leakedRows(texts: readonly string[], split: Split): number {
  const seen = new Set(Array.from(split.train, (row) => texts[row]!.trim()));
  return split.test.reduce((count, row) => count + (seen.has(texts[row]!.trim()) ? 1 : 0), 0);
}
