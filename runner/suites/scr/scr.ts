/**
 * `scr@saebench-N` (Karvonen et al. 2025, after SHIFT of Marks et al. 2024): a probe trained where two concepts always
 * coincide leans on both. Zero the latents that carry the unwanted one, and see how much of its accuracy on the wanted
 * one comes back.
 */
import { MalformedError } from '../../errors.ts';
import { random } from '../../math/random.ts';
import { type Resamples, resampleWithinClasses } from '../../metrics/bootstrap.ts';
import { meanOf } from '../../metrics/mover.ts';
import { combine, type Statistic, toMeasure, unmeasured } from '../../metrics/statistic.ts';
import { accuracy, correctRows } from '../../probes/accuracy.ts';
import type { DenseFeatures } from '../../probes/features.ts';
import { type LinearProbe, randomStart, trainLinearProbe } from '../../probes/linear-probe.ts';
import type { Row } from '../../report/part.ts';
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
import { type ConceptSet, type PlanOptions, refuseLeaks } from '../concepts.ts';
import type { LatentUse } from '../suite.ts';
import { heaviest } from '../uses.ts';

/** Below this the biased probe has lost nothing that could come back: SAEBench scores 0. */
const LEAST_LOSS = 0.001;

export interface BinaryRows {
  rows: Int32Array;
  labels: Uint8Array;
}

/** Two concepts of which a text has either value: the rows of a pair of classes, crossed with the attribute. */
export interface ScrPlan {
  name: string;
  data: string;
  /** Names of the class concept and of the attribute concept. */
  concepts: readonly [string, string];
  /** Rows where both concepts vary freely, labelled by the class and by the attribute. */
  train: readonly [BinaryRows, BinaryRows];
  /** Rows where they coincide: positive has both, negative neither. */
  biased: BinaryRows;
  test: readonly [BinaryRows, BinaryRows];
  /** Of the test rows, drawn within the four combinations. */
  resamples: Resamples;
}

/**
 * From a set whose classes are crossed with an attribute of two values: `positive` and `negative` are the two classes.
 * Of m texts a combination, the free rows hold m of each of the four and the biased ones 2·m of two of them, the free
 * rows' included, as in SAEBench. m is as large as the rows allow.
 *
 * @throws MalformedError when a combination has too few rows, or when a test text stands in the training part
 */
export function planScr(
  set: ConceptSet,
  positive: number,
  negative: number,
  options: Pick<PlanOptions, 'resamples' | 'resampleSeed'> = {},
): ScrPlan {
  const { attribute, labels } = set;
  const name = `${set.classes[positive]} / ${set.classes[negative]}`;
  if (attribute === undefined || attribute.values.length !== 2) {
    throw new MalformedError({
      thing: `probe set ${set.name}`,
      found:
        attribute === undefined
          ? 'no second label'
          : `${attribute.values.length} values of ${attribute.name}`,
      expected: 'a second label of two values, crossed with the class',
      next: 'Leave it out of scr, or name the attribute’s column.',
    });
  }
  refuseLeaks(set);
  /** [class positive or not][attribute 1 or not] */
  const combinations = (rows: Int32Array): [number[][], number[][]] => {
    const of = (label: number, value: number): number[] =>
      Array.from(rows).filter((row) => labels[row] === label && attribute.labels[row] === value);
    return [
      [of(negative, 0), of(negative, 1)],
      [of(positive, 0), of(positive, 1)],
    ];
  };
  const train = combinations(set.train);
  const m = Math.min(
    train[0][1]!.length,
    train[1][0]!.length,
    Math.floor(train[0][0]!.length / 2),
    Math.floor(train[1][1]!.length / 2),
  );
  const test = combinations(set.test);
  const t = Math.min(...test.flat().map((rows) => rows.length));
  if (m < 1 || t < 1) {
    throw new MalformedError({
      thing: `probe set ${set.name}, ${name} crossed with ${attribute.name}`,
      found: `${m} training and ${t} test texts a combination`,
      expected: 'one at least',
      next: 'Use more rows of the data set, or leave this pair out.',
    });
  }
  const free = freeRows(test, t);
  const quadrant = Uint8Array.from(free[0].labels, (label, i) => 2 * label + free[1].labels[i]!);
  return {
    name,
    data: set.data,
    concepts: [name, `${attribute.values[1]} / ${attribute.values[0]}`],
    train: freeRows(train, m),
    biased: {
      rows: Int32Array.of(...train[1][1]!.slice(0, 2 * m), ...train[0][0]!.slice(0, 2 * m)),
      labels: Uint8Array.from({ length: 4 * m }, (_, i) => (i < 2 * m ? 1 : 0)),
    },
    test: free,
    resamples: resampleWithinClasses(quadrant, {
      count: options.resamples,
      seed: `${options.resampleSeed ?? 0}:${set.name}:${name}`,
    }),
  };
}

/** The same rows, m of each combination, labelled by the class and by the attribute. */
function freeRows(combinations: readonly (readonly number[][])[], m: number): [BinaryRows, BinaryRows] {
  const rows: number[] = [];
  const byClass: number[] = [];
  const byAttribute: number[] = [];
  for (const label of [1, 0]) {
    for (const value of [1, 0]) {
      for (const row of combinations[label]![value]!.slice(0, m)) {
        rows.push(row);
        byClass.push(label);
        byAttribute.push(value);
      }
    }
  }
  return [
    { rows: Int32Array.from(rows), labels: Uint8Array.from(byClass) },
    { rows: Int32Array.from(rows), labels: Uint8Array.from(byAttribute) },
  ];
}

/** Probes of the class, of the attribute, and of both where they coincide; the same for all SAEs at the hook. */
export interface ScrProbes {
  concepts: readonly [LinearProbe, LinearProbe];
  biased: LinearProbe;
}

export function scrProbes(plan: ScrPlan, residual: DenseFeatures, seed: number): ScrProbes {
  const train = ({ rows, labels }: BinaryRows, which: string): LinearProbe =>
    trainLinearProbe(
      residual,
      rows,
      labels,
      randomStart(rows.length, residual.columns, random('linear probe', seed, plan.name, which)),
    );
  return {
    concepts: [train(plan.train[0], 'class'), train(plan.train[1], 'attribute')],
    biased: train(plan.biased, 'biased'),
  };
}

export interface ScrDirection {
  /** Place of the concept that is kept, and of the one that is removed. */
  kept: 0 | 1;
  clean: Statistic;
  biased: Statistic;
  points: { n: number; after: Statistic; value: Statistic }[];
  /** The latents ablated first, with their effects on the probe of what is removed; null where they have no directions. */
  use: LatentUse | null;
}

export interface ScrResult {
  directions: readonly [ScrDirection, ScrDirection];
  /** The direction whose biased probe is worse; null when they are equal, when SAEBench gives no score. */
  counted: ScrDirection | null;
}

export function scrOfPair(
  plan: ScrPlan,
  { latents, residual }: ConceptFeatures,
  probes: ScrProbes,
  directions: Directions,
  ns: readonly number[],
): ScrResult {
  const { resamples } = plan;
  const direction = (kept: 0 | 1): ScrDirection => {
    const removed = kept === 0 ? 1 : 0;
    const { rows, labels } = plan.test[kept];
    const places = Int32Array.from(rows, (_, i) => i);
    const right = (scores: Float64Array): Statistic =>
      accuracy(correctRows(scores, labels), places, resamples);
    const clean = right(probeScores(probes.concepts[kept], residual, rows));
    const scores = probeScores(probes.biased, residual, rows);
    const biased = right(scores);
    const missing = (reason: string, n: number) => ({
      n,
      after: unmeasured(reason),
      value: unmeasured(reason),
    });
    if (directions.rows === null) {
      const { reason } = directions;
      return { kept, clean, biased, points: ns.map((n) => missing(reason, n)), use: null };
    }
    const unwanted = plan.train[removed];
    const ranked = effects(
      latents,
      unwanted.rows,
      unwanted.labels,
      alignments(probes.concepts[removed], directions.rows),
      'absolute',
    );
    const ablated = strongest(ranked, ns);
    const left = ablatedScores(scores, latents, rows, alignments(probes.biased, directions.rows), ablated);
    return {
      kept,
      clean,
      biased,
      use: heaviest(plan.concepts[removed], ranked),
      points: ns.map((n, at) => {
        if (n > latents.columns) return missing(`${n} of ${latents.columns} latents cannot be ablated`, n);
        const after = right(left[at]!);
        const value = combine(
          [after, biased, clean],
          (a, b, c) => (c - b < LEAST_LOSS ? 0 : (a - b) / (c - b)),
          'an accuracy is not finite',
        );
        return { n, after, value };
      }),
    };
  };
  const both = [direction(0), direction(1)] as const;
  const [first, second] = both.map(({ biased }) => biased.value ?? 0);
  return { directions: both, counted: first === second ? null : first! < second! ? both[0] : both[1] };
}

/** The record's part, one entry of `pairs` for each pair. */
export function scrSuite(pairs: readonly { plan: ScrPlan; result: ScrResult }[]): Part {
  const tie = unmeasured('the biased probe is as good on either concept, so neither direction counts');
  const valueAt = ({ result }: { result: ScrResult }, at: number): Statistic =>
    result.counted === null ? tie : result.counted.points[at]!.value;
  const ns = pairs[0]?.result.directions[0].points.map(({ n }) => n) ?? [];
  const mean = (at: number): Measure => {
    const values = pairs.map((pair) => valueAt(pair, at));
    const measured = values.filter(({ value }) => value !== null);
    const left = pairs.length - measured.length;
    return toMeasure(
      meanOf(measured.length > 0 ? measured : values),
      left > 0 ? { note: `mean of ${measured.length} of ${pairs.length} pairs: the others have none` } : {},
    );
  };
  const shownOf = ({ result }: { result: ScrResult }) => result.counted ?? result.directions[0];
  return {
    curves: {
      scr: {
        points: ns.map((n, at) => ({ at: n, values: { scr: mean(at) } })),
        sets: pairs.map((pair) => ({
          name: pair.plan.name,
          points: ns.map((n, at) => ({
            at: n,
            values: { scr: toMeasure(valueAt(pair, at), nothingLost(shownOf(pair))) },
          })),
        })),
      },
    },
    tables: {
      pairs: pairs.map((pair): Row => {
        const { plan } = pair;
        const shown = shownOf(pair);
        return {
          name: plan.name,
          note: plan.data,
          cells: {
            kept: plan.concepts[shown.kept]!,
            removed: plan.concepts[1 - shown.kept]!,
            accuracy_clean: toMeasure(shown.clean, {}, [0, 1]),
            accuracy_biased: toMeasure(shown.biased, {}, [0, 1]),
            train_rows: plan.train[0].rows.length,
            test_rows: plan.test[0].rows.length,
            duplicates: 0,
          },
        };
      }),
    },
  };
}

/** What the definition's rule for a vanishing denominator changed, in words. */
function nothingLost({ clean, biased }: ScrDirection): { note?: string } {
  if (clean.value === null || biased.value === null || clean.value - biased.value >= LEAST_LOSS) return {};
  return { note: `the biased probe loses less than ${LEAST_LOSS} of accuracy, which scores 0 by definition` };
}
