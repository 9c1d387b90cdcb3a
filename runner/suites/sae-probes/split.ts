/** The rows of sae-probes: which train, which test, and which of those that train choose the penalty. */
import { UserError } from '../../errors.ts';
import { numpyRandom } from '../../math/numpy-random.ts';

/** The program's own, which its published results rest on. */
export const SEED = 42;

/** Rows of a data set that are read, the first ones. */
export const MOST_ROWS = 5_000;
const MOST_TRAIN = 1_024;
/** Rows left to test at the least. */
const LEFT_TO_TEST = 100;
/** Below so many training rows validation is by folds. */
const FOLDS_BELOW = 128;
const FOLDS = 6;
const FEWEST_TRAIN = 13;

export interface TaskRows {
  /** Row numbers in the program's order, which decides what validates. */
  train: Int32Array;
  test: Int32Array;
}

/**
 * As many rows of either class on both sides: min(size − 100, 1024) train, the rest but one test.
 *
 * @param labels 0 or 1 of each row, at most MOST_ROWS
 * @throws UserError where a class has too few rows
 */
export function taskRows(labels: ArrayLike<number>, name: string): TaskRows {
  const size = labels.length;
  const train = Math.min(size - LEFT_TO_TEST, MOST_TRAIN);
  const wanted = { train: halves(train), test: halves(size - train - 1) };
  const rows = Int32Array.from({ length: size }, (_, row) => row);
  const positive = rows.filter((row) => labels[row] === 1);
  const negative = rows.filter((row) => labels[row] !== 1);
  const needed = { positive: wanted.train[0] + wanted.test[0], negative: wanted.train[1] + wanted.test[1] };
  if (train < FEWEST_TRAIN || positive.length < needed.positive || negative.length < needed.negative) {
    throw new UserError({
      thing: `task ${name}`,
      found: `${positive.length} positive and ${negative.length} negative rows`,
      expected: `at least ${FEWEST_TRAIN + LEFT_TO_TEST} rows, as many of either class`,
      next: 'Use the data set as sae-probes publishes it, or leave it out of suites.sae-probes.tasks.',
    });
  }
  const stream = numpyRandom(SEED);
  const trainPositive = stream.choose(positive, wanted.train[0]);
  const trainNegative = stream.choose(negative, wanted.train[1]);
  const testPositive = stream.choose(without(positive, trainPositive), wanted.test[0]);
  const testNegative = stream.choose(without(negative, trainNegative), wanted.test[1]);
  return {
    train: stream.permutation([...trainPositive, ...trainNegative]),
    test: stream.permutation([...testPositive, ...testNegative]),
  };
}

/** Positive and negative rows, an odd one being positive. */
function halves(count: number): [number, number] {
  return [Math.ceil(count / 2), Math.floor(count / 2)];
}

function without(rows: Int32Array, taken: Int32Array): Int32Array {
  const gone = new Set(taken);
  return rows.filter((row) => !gone.has(row));
}

export interface Fold {
  /** Places among the training rows. */
  fit: Int32Array;
  validate: Int32Array;
}

/**
 * The last fifth of the training rows, at most 100, validates; of fewer than 128 rows there are six stratified folds, as
 * scikit-learn's StratifiedKFold shuffles them.
 *
 * @param labels 0 or 1 of each training row, in their order
 */
export function folds(labels: ArrayLike<number>): Fold[] {
  const { length } = labels;
  const places = Int32Array.from({ length }, (_, i) => i);
  if (length >= FOLDS_BELOW) {
    const cut = length - Math.min(Math.floor(0.2 * length), 100);
    return [{ fit: places.slice(0, cut), validate: places.slice(cut) }];
  }
  const numbers = foldNumbers(labels);
  return Array.from({ length: FOLDS }, (_, fold) => ({
    fit: places.filter((place) => numbers[place] !== fold),
    validate: places.filter((place) => numbers[place] === fold),
  })).filter(({ validate }) => new Set(Array.from(validate, (place) => labels[place])).size === 2);
}

function foldNumbers(labels: ArrayLike<number>): Int32Array {
  // Classes in the order in which they appear; rows sorted by class are dealt to the folds in turn.
  const classes = [...new Set(Array.from(labels))];
  const sorted = Array.from(labels, (label) => classes.indexOf(label)).sort((a, b) => a - b);
  const stream = numpyRandom(SEED);
  const found = new Int32Array(labels.length);
  classes.forEach((label, number) => {
    const dealt = Array.from({ length: FOLDS }, (_, fold) =>
      sorted.filter((each, i) => i % FOLDS === fold && each === number).map(() => fold),
    );
    const order = stream.shuffle(Int32Array.from(dealt.flat()));
    let next = 0;
    for (let row = 0; row < labels.length; row++) if (labels[row] === label) found[row] = order[next++]!;
  });
  return found;
}
