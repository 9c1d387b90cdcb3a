/**
 * Concept probing as SAEBench sets it up: a data set of several classes with a training and a test part, and of each
 * class a balanced task against the rest. What does not depend on an SAE is planned once for all of them.
 */
import { MalformedError } from '../errors.ts';
import { random, shuffle } from '../math/random.ts';
import { type Resamples, resampleWithinClasses } from '../metrics/bootstrap.ts';
import { leakedRows } from '../probes/split.ts';
import type { Cell, Row } from '../report/part.ts';

export interface ConceptSet {
  name: string;
  /** Where the texts come from, in words. */
  data: string;
  classes: readonly string[];
  /** A second label crossed with the class, which SCR takes for the spurious concept. */
  attribute?: { name: string; values: readonly string[]; labels: ArrayLike<number> };
  /** Class of each row, training and test rows numbered together. */
  labels: ArrayLike<number>;
  train: Int32Array;
  test: Int32Array;
  /** One per row. */
  texts: readonly string[];
}

/** One class against the rest: as many rows of either. */
export interface ConceptTask {
  name: string;
  train: Int32Array;
  /** 1 for the class, one for each entry of `train`. */
  trainLabels: Uint8Array;
  test: Int32Array;
  testLabels: Uint8Array;
  /** Place of each entry of `test` among the set's test rows. */
  places: Int32Array;
}

export interface ConceptPlan {
  set: ConceptSet;
  tasks: ConceptTask[];
  /** Of the set's test rows, within its classes: drawn once for all tasks, because tasks share texts. */
  resamples: Resamples;
  /** Rows of one task. */
  train_rows: number;
  test_rows: number;
}

export interface PlanOptions {
  /** Seed of the draw of the negatives. */
  seed?: number;
  resamples?: number;
  resampleSeed?: number | string;
}

/**
 * The negatives of a class are drawn from every other class alike, ⌈positives / (classes − 1)⌉ of each, and cut to as
 * many as there are positives. Every class counts with as many rows as the smallest has.
 *
 * @throws MalformedError for a class without two rows in a part, and for a test text that stands in the training part
 */
export function planConcepts(set: ConceptSet, options: PlanOptions = {}): ConceptPlan {
  const { seed = 0 } = options;
  const train = rowsByClass(set, set.train, 'training rows');
  const test = rowsByClass(set, set.test, 'test rows');
  refuseLeaks(set);
  const negatives = (part: string, rows: readonly (readonly number[])[], target: number) =>
    balanced(rows, target, (items, other) =>
      shuffle([...items], random('negatives', seed, set.name, part, target, other)),
    );
  const testLabels = Uint8Array.from(set.test, (row) => set.labels[row]!);
  const resamples = resampleWithinClasses(testLabels, {
    count: options.resamples,
    seed: `${options.resampleSeed ?? 0}:${set.name}`,
  });
  const place = new Map(Array.from(set.test, (row, i) => [row, i]));
  const tasks = set.classes.map((name, target): ConceptTask => {
    const training = negatives('train', train, target);
    const testing = negatives('test', test, target);
    return {
      name,
      train: training.rows,
      trainLabels: training.labels,
      test: testing.rows,
      testLabels: testing.labels,
      places: testing.rows.map((row) => place.get(row)!),
    };
  });
  return { set, tasks, resamples, train_rows: tasks[0]!.train.length, test_rows: tasks[0]!.test.length };
}

/** A set's row in the table of a suite's data sets. */
export function conceptRow(
  { set, train_rows, test_rows }: ConceptPlan,
  cells: Record<string, Cell> = {},
): Row {
  return {
    name: set.name,
    note: set.data,
    // A set with a text in both parts is refused.
    cells: { classes: [...set.classes], ...cells, train_rows, test_rows, duplicates: 0 },
  };
}

/** All rows of the class, then as many of the others, the same share of each. */
export function balanced(
  rows: readonly (readonly number[])[],
  target: number,
  order: (rows: readonly number[], other: number) => readonly number[] = (items) => items,
): { rows: Int32Array; labels: Uint8Array } {
  const positives = rows[target]!;
  const share = Math.ceil(positives.length / (rows.length - 1));
  const negatives = rows
    .flatMap((items, other) => (other === target ? [] : order(items, other).slice(0, share)))
    .slice(0, positives.length);
  return {
    rows: Int32Array.from([...positives, ...negatives]),
    labels: Uint8Array.from([...positives.map(() => 1), ...negatives.map(() => 0)]),
  };
}

/** Row numbers of each class, as many as the smallest has. */
function rowsByClass({ name, classes, labels }: ConceptSet, rows: Int32Array, part: string): number[][] {
  const found = classes.map((_, label) => Array.from(rows).filter((row) => labels[row] === label));
  const least = Math.min(...found.map((items) => items.length));
  if (classes.length < 2 || least < 2) {
    throw new MalformedError({
      thing: `probe set ${name} (${part})`,
      found: classes.map((label, i) => `${found[i]!.length} of ${label}`).join(', ') || 'no class',
      expected: 'two classes or more, with two rows or more of each',
      next: 'Use more rows of the data set, or leave the class out.',
    });
  }
  return found.map((items) => items.slice(0, least));
}

/** A text on both sides carries its label over: the set is refused, never quietly thinned out. */
export function refuseLeaks(set: Pick<ConceptSet, 'name' | 'texts' | 'train' | 'test'>): void {
  const leaked = leakedRows(set.texts, set);
  if (leaked === 0) return;
  throw new MalformedError({
    thing: `probe set ${set.name}`,
    found: `${leaked} test texts that also stand in the training part`,
    expected: 'no text in both parts',
    next: 'Remove the duplicates from the data set.',
  });
}
