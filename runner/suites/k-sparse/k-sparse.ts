/**
 * k-sparse probing (Gurnee et al. 2023; SAEBench's sparse_probing): how well k single latents tell a concept. Beside
 * it the same rule on raw residual channels, which a dictionary has to beat, and a probe on the whole residual.
 */
import { resamplesOf } from '../../metrics/bootstrap.ts';
import { meanOf } from '../../metrics/mover.ts';
import { overAllRows, type Statistic, toMeasure, unmeasured } from '../../metrics/statistic.ts';
import { accuracy, correctRows } from '../../probes/accuracy.ts';
import { auroc } from '../../probes/auroc.ts';
import { checkFeatures, type DenseFeatures, type Features, rowReader } from '../../probes/features.ts';
import { decisionValues, fitLogistic } from '../../probes/logistic-regression.ts';
import { largest, meanDifference } from '../../probes/mean-difference.ts';
import type { Curve } from '../../report/part.ts';
import type { Measure, Part } from '../../report/schema.ts';
import { type ConceptPlan, type ConceptTask, conceptRow } from '../concepts.ts';

/** Latents of a probe; SAEBench's values and the larger ones of its paper. */
export const K_VALUES = [1, 2, 5, 10, 20, 50] as const;

/** How good one probe is, or the mean of several. */
export interface ProbeQuality {
  accuracy: Statistic;
  auroc: Statistic;
}

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

/** The ceiling: a probe on all columns, which here are those of the residual. */
export function fullProbe(plan: ConceptPlan, residual: Features): ProbeQuality {
  const all = Int32Array.from({ length: residual.columns }, (_, i) => i);
  return meanQuality(plan.tasks.map((task) => probe(plan, task, residual, all)));
}

export interface KSparseInput {
  plan: ConceptPlan;
  /** Of this SAE's latents. */
  latents: QualityByK;
  /** Of raw residual channels, and of the whole residual: the same for all SAEs at the hook. */
  residual: QualityByK;
  ceiling: ProbeQuality;
}

/** The record's part, one entry of `inputs` for each data set. */
export function kSparseSuite(inputs: readonly KSparseInput[], ks: readonly number[]): Part {
  const curve = (key: keyof ProbeQuality): Curve => {
    const mean = (of: readonly KSparseInput[], read: (input: KSparseInput) => ProbeQuality): Measure =>
      shareOf(meanOf(of.map((input) => read(input)[key])));
    const lines = (of: readonly KSparseInput[]) => ({
      points: ks.map((k) => ({
        at: k,
        values: {
          sae: mean(of, ({ latents }) => latents.get(k)!),
          channels: mean(of, ({ residual }) => residual.get(k)!),
        },
      })),
      constants: { ceiling: mean(of, ({ ceiling }) => ceiling) },
    });
    return {
      ...lines(inputs),
      sets: inputs.map((input) => ({ name: input.plan.set.name, ...lines([input]) })),
    };
  };
  return {
    curves: { accuracy: curve('accuracy'), auroc: curve('auroc') },
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

/** Some columns of some rows, in the order given. */
function chosenColumns(features: Features, rows: Int32Array, columns: Int32Array): DenseFeatures {
  const width = columns.length;
  const values = new Float32Array(rows.length * width);
  const read = rowReader(features);
  /** Where a column goes, from 1 on. */
  const places = new Int32Array(features.columns);
  columns.forEach((column, place) => {
    places[column] = place + 1;
  });
  for (let i = 0; i < rows.length; i++) {
    const row = read(rows[i]!);
    for (let entry = 0; entry < row.values.length; entry++) {
      const place = places[row.indices[entry]!]!;
      if (place > 0) values[i * width + place - 1] = row.values[entry]!;
    }
  }
  return { values, rows: rows.length, columns: width };
}

function meanQuality(parts: readonly ProbeQuality[]): ProbeQuality {
  return {
    accuracy: meanOf(parts.map((part) => part.accuracy)),
    auroc: meanOf(parts.map((part) => part.auroc)),
  };
}

function shareOf(statistic: Statistic): Measure {
  return toMeasure(statistic, {}, [0, 1]);
}
