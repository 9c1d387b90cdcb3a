/**
 * `tpp@saebench-N` (Karvonen et al. 2025): zero the latents most responsible for one concept's probe, and see how far
 * that probe falls beyond the others.
 */
import { random } from '../../math/random.ts';
import { difference, meanOf } from '../../metrics/mover.ts';
import { type Statistic, toMeasure, unmeasured } from '../../metrics/statistic.ts';
import { accuracy, accuracyFall, correctRows } from '../../probes/accuracy.ts';
import type { DenseFeatures } from '../../probes/features.ts';
import { type LinearProbe, randomStart, trainLinearProbe } from '../../probes/linear-probe.ts';
import type { CurvePoint } from '../../report/part.ts';
import type { Measure, Part } from '../../report/schema.ts';
import {
  ablatedScores,
  alignments,
  type ConceptFeatures,
  type Directions,
  effects,
  probeScores,
  strongest,
} from '../ablation.ts';
import { type ConceptPlan, conceptRow } from '../concepts.ts';

/** One probe per class on the residual, trained as SAEBench trains them; the same for all SAEs at the hook. */
export function conceptProbes(plan: ConceptPlan, residual: DenseFeatures, seed: number): LinearProbe[] {
  return plan.tasks.map((task) =>
    trainLinearProbe(
      residual,
      task.train,
      task.trainLabels,
      randomStart(
        task.train.length,
        residual.columns,
        random('linear probe', seed, plan.set.name, task.name),
      ),
    ),
  );
}

/** Of one set: a value for each n. */
export interface TppResult {
  accuracy: Statistic;
  points: { n: number; value: Statistic; intended: Statistic; unintended: Statistic }[];
}

export function tppOfSet(
  plan: ConceptPlan,
  features: ConceptFeatures,
  probes: readonly LinearProbe[],
  directions: Directions,
  ns: readonly number[],
): TppResult {
  const { latents, residual } = features;
  const { tasks, resamples } = plan;
  const scores = tasks.map(({ test }, i) => probeScores(probes[i]!, residual, test));
  const right = tasks.map(({ testLabels }, i) => correctRows(scores[i]!, testLabels));
  const meanClean = meanOf(tasks.map(({ places }, i) => accuracy(right[i]!, places, resamples)));
  if (directions.rows === null) {
    const missing = unmeasured(directions.reason);
    return {
      accuracy: meanClean,
      points: ns.map((n) => ({ n, value: missing, intended: missing, unintended: missing })),
    };
  }
  const { rows } = directions;
  const aligned = probes.map((probe) => alignments(probe, rows));
  /** [class ablated][probe][n] */
  const falls = tasks.map((ablatedTask, target) => {
    const { train, trainLabels } = ablatedTask;
    const ablated = strongest(effects(latents, train, trainLabels, aligned[target]!, 'positive'), ns);
    return tasks.map((task, i) =>
      ablatedScores(scores[i]!, latents, task.test, aligned[i]!, ablated).map((left) =>
        accuracyFall(right[i]!, correctRows(left, task.testLabels), task.places, resamples),
      ),
    );
  });
  const points = ns.map((n, at) => {
    if (n > latents.columns) {
      const missing = unmeasured(`${n} of ${latents.columns} latents cannot be ablated`);
      return { n, value: missing, intended: missing, unintended: missing };
    }
    const intended = meanOf(falls.map((ofClass, target) => ofClass[target]![at]!));
    const unintended = meanOf(
      falls.flatMap((ofClass, target) =>
        ofClass.flatMap((ofProbe, i) => (i === target ? [] : [ofProbe[at]!])),
      ),
    );
    return { n, value: difference(intended, unintended), intended, unintended };
  });
  return { accuracy: meanClean, points };
}

/** The record's part, one entry of `sets` for each data set. */
export function tppSaeBenchSuite(sets: readonly { plan: ConceptPlan; result: TppResult }[]): Part {
  const pointsOf = (of: readonly TppResult[]): CurvePoint[] =>
    (of[0]?.points ?? []).map(({ n }, at) => {
      const mean = (read: (point: TppResult['points'][number]) => Statistic): Measure =>
        toMeasure(meanOf(of.map(({ points }) => read(points[at]!))), {}, [-1, 1]);
      return {
        at: n,
        values: {
          tpp: mean(({ value }) => value),
          intended: mean(({ intended }) => intended),
          unintended: mean(({ unintended }) => unintended),
        },
      };
    });
  return {
    curves: {
      tpp: {
        points: pointsOf(sets.map(({ result }) => result)),
        sets: sets.map(({ plan, result }) => ({ name: plan.set.name, points: pointsOf([result]) })),
      },
    },
    tables: {
      data_sets: sets.map(({ plan, result }) =>
        conceptRow(plan, { accuracy: toMeasure(result.accuracy, {}, [0, 1]) }),
      ),
    },
  };
}
