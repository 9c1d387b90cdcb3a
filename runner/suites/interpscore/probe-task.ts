/** A probe data set as a suite receives it, and the fit both probing suites share. */

import { UserError } from '../../errors.ts';
import { type Resamples, resampleWithinClasses } from '../../metrics/bootstrap.ts';
import { checkFeatures, checkLabels, classCounts, type Features } from '../../probes/features.ts';
import { fitLogistic, type LogisticFit } from '../../probes/logistic-regression.ts';
import { leakedRows, type Split, splitRows } from '../../probes/split.ts';

export interface ProbeTask {
  /** Name of the task, as the record shows it. */
  task: string;
  /** The data set the texts came from, in words. */
  data: string;
  /** Mean over each text's tokens of z, one row per usable text, in the order of the training split. */
  features: Features;
  /** 0 or 1 per row. */
  labels: ArrayLike<number>;
  /** The texts, for counting those that stand on both sides of the split. */
  texts: readonly string[];
}

export interface ProbeOptions {
  /** Seed of the split. */
  seed?: number;
  /** Inverse strength of the penalty. */
  c?: number;
  /** Resamples of the test rows, and the seed of their stream. */
  resamples?: number;
  resampleSeed?: number | string;
}

export interface FittedProbe {
  split: Split;
  fit: LogisticFit;
  testLabels: Uint8Array;
  /** Of the test rows, within classes: the same for every SAE probed on this task. */
  resamples: Resamples;
  /** Test rows whose text also stands in the training rows. */
  duplicates: number;
}

/**
 * Splits the task's first `limit` rows and fits the probe on the training part. Throws MalformedError when either
 * part holds one class only or the features are not finite, UserError when there are too few rows.
 */
export function fitProbe(task: ProbeTask, limit: number, options: ProbeOptions = {}): FittedProbe {
  const { features, labels, texts } = task;
  checkFeatures(features, task.task);
  checkLabels(labels, features.rows, task.task);
  if (texts.length !== features.rows) {
    throw new RangeError(`${task.task}: ${texts.length} texts for ${features.rows} rows`);
  }
  const split = splitRows(features.rows, { limit, seed: options.seed });
  classCounts(labels, split.test, `${task.task} (test rows)`);
  const fit = fitLogistic(features, labels, split.train, {
    c: options.c,
    name: `${task.task} (training rows)`,
  });
  const testLabels = Uint8Array.from(split.test, (row) => labels[row]!);
  const resamples = resampleWithinClasses(testLabels, {
    count: options.resamples,
    seed: `${options.resampleSeed ?? 0}:${task.task}:${limit}`,
  });
  return { split, fit, testLabels, resamples, duplicates: leakedRows(texts, split) };
}

/** Throws UserError for a list without tasks. */
export function requireTasks(tasks: readonly ProbeTask[]): void {
  if (tasks.length > 0) return;
  throw new UserError({
    thing: 'probing tasks',
    found: 'none',
    expected: 'at least one',
    next: 'Name at least one probe data set in the run’s settings.',
  });
}
