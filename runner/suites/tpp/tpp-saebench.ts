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
import { UNTRAINED_LINE } from '../../report/suite.ts';
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
import type { LatentUse } from '../suite.ts';
import { heaviest } from '../uses.ts';

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
  /** The latents ablated first for each class, with their effects on its probe. */
  uses: LatentUse[];
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
      uses: [],
    };
  }
  const { rows } = directions;
  const aligned = probes.map((probe) => alignments(probe, rows));
  const uses: LatentUse[] = [];
  /** [class ablated][probe][n] */
  const falls = tasks.map((ablatedTask, target) => {
    const { train, trainLabels } = ablatedTask;
    const effect = effects(latents, train, trainLabels, aligned[target]!, 'positive');
    uses.push(heaviest(`${plan.set.name}: ${ablatedTask.name}`, effect));
    const ablated = strongest(effect, ns);
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
  return { accuracy: meanClean, points, uses };
}

export interface TppOfSet {
  plan: ConceptPlan;
  result: TppResult;
  /** Of an untrained SAE; null where there is none. */
  untrained?: TppResult | null;
}

/** The record's part, one entry of `sets` for each data set. */
export function tppSaeBenchSuite(sets: readonly TppOfSet[]): Part {
  const pointsOf = (of: readonly TppOfSet[]): CurvePoint[] =>
    (of[0]?.result.points ?? []).map(({ n }, at) => {
      const mean = (statistics: readonly Statistic[]): Measure => toMeasure(meanOf(statistics), {}, [-1, 1]);
      const points = of.map(({ result }) => result.points[at]!);
      const untrained = of.flatMap((each) => each.untrained?.points[at]?.value ?? []);
      return {
        at: n,
        values: {
          tpp: mean(points.map(({ value }) => value)),
          intended: mean(points.map(({ intended }) => intended)),
          unintended: mean(points.map(({ unintended }) => unintended)),
          ...(untrained.length === of.length && { [UNTRAINED_LINE]: mean(untrained) }),
        },
      };
    });
  return {
    curves: {
      tpp: {
        points: pointsOf(sets),
        sets: sets.map((each) => ({ name: each.plan.set.name, points: pointsOf([each]) })),
      },
    },
    tables: {
      data_sets: sets.map(({ plan, result }) =>
        conceptRow(plan, { accuracy: toMeasure(result.accuracy, {}, [0, 1]) }),
      ),
    },
  };
}
