/**
 * k-sparse probing (Gurnee et al. 2023; SAEBench's sparse_probing): how well k single latents tell a concept. Beside
 * it the same rule on raw residual channels, which a dictionary has to beat, and a probe on the whole residual.
 */
import { resamplesOf } from '../../metrics/bootstrap.ts';
import { meanOf } from '../../metrics/mover.ts';
import { overAllRows, unmeasured } from '../../metrics/statistic.ts';
import { accuracy, correctRows } from '../../probes/accuracy.ts';
import { auroc } from '../../probes/auroc.ts';
import { checkFeatures, chosenColumns, type Features } from '../../probes/features.ts';
import { decisionValues, fitLogistic } from '../../probes/logistic-regression.ts';
import { largest, meanDifference } from '../../probes/mean-difference.ts';
import type { Part } from '../../report/schema.ts';
import { type ConceptPlan, type ConceptTask, conceptRow } from '../concepts.ts';
import { type Probed, probingCurves, type Qualities } from '../probing-curves.ts';
import type { LatentUse } from '../suite.ts';
import { heaviest } from '../uses.ts';

/** Latents of a probe; SAEBench's values and the larger ones of its paper. */
export const K_VALUES = [1, 2, 5, 10, 20, 50] as const;

/** How good one probe is, or the mean of several. */
export type ProbeQuality = Qualities<'accuracy' | 'auroc'>;

/** One set's probes on one kind of features, by k: the mean over its classes. */
export type QualityByK = ReadonlyMap<number, ProbeQuality>;

/**
 * @param features one row for each row of the set
 * @throws MalformedError when a feature is not finite
 */
export function kSparseProbes(plan: ConceptPlan, features: Features, ks: readonly number[]): QualityByK {
  checkFeatures(features, plan.set.name);
  const orders = plan.tasks.map((task) => {
    const difference = meanDifference(features, task.train, task.trainLabels).map(Math.abs);
    return largest(difference, Math.min(features.columns, Math.max(...ks)));
  });
  return new Map(
    ks.map((k) => {
      if (k > features.columns) {
        const missing = unmeasured(`${k} of ${features.columns} columns cannot be chosen`);
        return [k, { accuracy: missing, auroc: missing }];
      }
      return [
        k,
        meanQuality(plan.tasks.map((task, i) => probe(plan, task, features, orders[i]!.slice(0, k)))),
      ];
    }),
  );
}

/** The latents that a class's probes take first: weights are mean activations in the class less those outside. */
export function kSparseUses({ set, tasks }: ConceptPlan, features: Features): LatentUse[] {
  return tasks.map(({ name, train, trainLabels }) =>
    heaviest(`${set.name}: ${name}`, meanDifference(features, train, trainLabels)),
  );
}

/** The ceiling: a probe on all columns, which here are those of the residual. */
export function fullProbe(plan: ConceptPlan, residual: Features): ProbeQuality {
  const all = Int32Array.from({ length: residual.columns }, (_, i) => i);
  return meanQuality(plan.tasks.map((task) => probe(plan, task, residual, all)));
}

export interface KSparseInput extends Omit<Probed<'accuracy' | 'auroc'>, 'name'> {
  plan: ConceptPlan;
}

/** The record's part, one entry of `inputs` for each data set. */
export function kSparseSuite(inputs: readonly KSparseInput[], ks: readonly number[]): Part {
  const probed = inputs.map(({ plan, ...probes }) => ({ name: plan.set.name, ...probes }));
  return {
    curves: probingCurves(['accuracy', 'auroc'], probed, ks),
    tables: { data_sets: inputs.map(({ plan }) => conceptRow(plan)) },
  };
}

function probe(
  { resamples }: ConceptPlan,
  task: ConceptTask,
  features: Features,
  columns: Int32Array,
): ProbeQuality {
  const { train, test, places } = task;
  const rows = joined(train, test);
  const chosen = chosenColumns(features, rows, columns);
  const labels = joined(task.trainLabels, task.testLabels);
  const order = Int32Array.from({ length: rows.length }, (_, i) => i);
  const fit = fitLogistic(chosen, labels, order.subarray(0, train.length), { name: task.name });
  const scores = decisionValues(chosen, order.subarray(train.length), fit);
  const area = auroc(scores, task.testLabels, resamplesOf(resamples, places), `${task.name} (test rows)`);
  return {
    accuracy: accuracy(correctRows(scores, task.testLabels), places, resamples),
    auroc: overAllRows(area, resamples, places),
  };
}

function joined(first: ArrayLike<number>, second: ArrayLike<number>): Int32Array {
  const whole = new Int32Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}

function meanQuality(parts: readonly ProbeQuality[]): ProbeQuality {
  return {
    accuracy: meanOf(parts.map((part) => part.accuracy)),
    auroc: meanOf(parts.map((part) => part.auroc)),
  };
}
