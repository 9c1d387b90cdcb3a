/** One task of sae-probes: its probes on few columns and on the whole residual, and how good they are on its test rows. */
import { type Resamples, resampleWithinClasses } from '../../metrics/bootstrap.ts';
import { combine, type Statistic, sumOf, unmeasured } from '../../metrics/statistic.ts';
import { accuracy, correctRows, f1Score } from '../../probes/accuracy.ts';
import { auroc } from '../../probes/auroc.ts';
import { checkFeatures, chosenColumns, type DenseFeatures, type Features } from '../../probes/features.ts';
import { decisionValues } from '../../probes/logistic-regression.ts';
import type { Qualities } from '../probing-curves.ts';
import { chooseProbe, type Penalty, rankedColumns } from './probes.ts';

/** As the record's curves are called. */
export const QUALITIES = ['accuracy', 'auroc', 'f1'] as const;
export type Quality = Qualities<(typeof QUALITIES)[number]>;

export interface TaskPlan {
  name: string;
  /** 0 or 1 of each row that is read: those that train, in their order, then those that test. */
  labels: Uint8Array;
  train: Int32Array;
  test: Int32Array;
  testLabels: Uint8Array;
  /** Of the test rows, within their classes. */
  resamples: Resamples;
}

/** @param trainRows how many of the rows train, the first ones */
export function planTask(
  name: string,
  labels: Uint8Array,
  trainRows: number,
  draws: { resamples: number; seed: number },
): TaskPlan {
  const testLabels = labels.slice(trainRows);
  return {
    name,
    labels,
    train: Int32Array.from({ length: trainRows }, (_, row) => row),
    test: Int32Array.from(testLabels, (_, i) => trainRows + i),
    testLabels,
    resamples: resampleWithinClasses(testLabels, { count: draws.resamples, seed: `${draws.seed}:${name}` }),
  };
}

/**
 * The score of each test row under a probe on the k first columns, by k; without those of which there are fewer.
 *
 * @throws MalformedError when a feature is not finite
 */
export function sparseScores(
  plan: TaskPlan,
  features: Features,
  ks: readonly number[],
  penalty: Penalty,
): Map<number, Float64Array> {
  checkFeatures(features, plan.name);
  const { train, labels, name } = plan;
  const all = Int32Array.from(labels, (_, row) => row);
  const trainLabels = labels.subarray(0, train.length);
  const order = rankedColumns(features, train, trainLabels, Math.max(...ks));
  return new Map(
    ks
      .filter((k) => k <= features.columns)
      .map((k) => {
        const chosen = chosenColumns(features, all, order.subarray(0, k));
        const { fit } = chooseProbe(chosen, train, labels, penalty, name);
        return [k, decisionValues(chosen, plan.test, fit)];
      }),
  );
}

/** The same under a probe on the whole residual, whose penalty is L2 whatever that of the others. */
export function wholeScores({ name, train, test, labels }: TaskPlan, residual: DenseFeatures): Float64Array {
  const { fit } = chooseProbe(residual, train, labels, 'l2', name);
  return decisionValues(residual, test, fit);
}

export function qualities(
  plan: TaskPlan,
  scores: ReadonlyMap<number, Float64Array>,
  ks: readonly number[],
  columns: number,
): Map<number, Quality> {
  return new Map(
    ks.map((k) => {
      const found = scores.get(k);
      if (found !== undefined) return [k, qualityOf(plan, found)];
      const missing = unmeasured(`${k} of ${columns} columns cannot be chosen`);
      return [k, { accuracy: missing, auroc: missing, f1: missing }];
    }),
  );
}

export function qualityOf({ name, testLabels, resamples }: TaskPlan, scores: Float64Array): Quality {
  const places = Int32Array.from(testLabels, (_, place) => place);
  return {
    accuracy: accuracy(correctRows(scores, testLabels), places, resamples),
    auroc: auroc(scores, testLabels, resamples, `${name} (test rows)`),
    f1: weightedF1(scores, testLabels, resamples),
  };
}

/** F1 of either class as the positive one, weighted by their rows; 0 for a class that is neither there nor foretold. */
function weightedF1(scores: Float64Array, labels: Uint8Array, resamples: Resamples): Statistic {
  const count = (predicted: 0 | 1, label: 0 | 1): Statistic =>
    sumOf(
      Uint8Array.from(scores, (score, i) =>
        (score > 0 ? 1 : 0) === predicted && labels[i] === label ? 1 : 0,
      ),
      resamples,
    );
  return combine(
    [count(1, 1), count(0, 0), count(1, 0), count(0, 1)],
    (positives, negatives, falsePositives, falseNegatives) => {
      const wrong = falsePositives + falseNegatives;
      const [ofPositive, ofNegative] = [positives + falseNegatives, negatives + falsePositives];
      return (
        (ofPositive * f1Score(positives, wrong) + ofNegative * f1Score(negatives, wrong)) /
        (ofPositive + ofNegative)
      );
    },
    'no test rows',
  );
}
