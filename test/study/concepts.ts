/**
 * Probe sets whose answers are known: a concept is the firing of a feature of a synthetic model, a text one sample. Which
 * features are concepts follows from the model alone; which samples are drawn, from the seed.
 */
import { type ConceptPlan, planConcepts } from '../../runner/suites/concepts.ts';
import { planScr, type ScrPlan } from '../../runner/suites/scr/scr.ts';
import { type SyntheticModel, sampleBatch } from '../../runner/synthetic/model.ts';
import { type ActiveFeatures, activationsOf } from '../../runner/synthetic/samples.ts';

/** Samples that concepts are chosen in, and rows of probes are taken from. */
const DRAWN = 20_000;
/** Features of a set, and pairs of them. */
const CONCEPTS = 6;
const PAIRS = 2;
/** Concepts fire as often as this at least and at most. */
const RATES = [0.03, 0.45] as const;
/** Rows of a class, and of a combination of two concepts, in either part. */
const CLASS = { train: 120, test: 60 };
const CROSSED = { train: 200, test: 60 };
/** Rows of a dense task: half of them with the feature. */
const DENSE = 800;

export interface DenseTask {
  task: string;
  rows: Int32Array;
  labels: Uint8Array;
}

export interface Concepts {
  /** Samples of all rows, [rows, d]. */
  x: Float32Array;
  rows: number;
  classes: ConceptPlan;
  pairs: readonly ScrPlan[];
  dense: readonly DenseTask[];
}

/** @throws Error where the model has too few features that fire often enough */
export function conceptsOf(model: SyntheticModel, seed: number): Concepts {
  const chosen = chosenFeatures(model);
  const found = model.features(sampleBatch(`concepts ${seed}`, 0, 1, DRAWN));
  const active = activeSets(found);
  const taken: number[] = [];
  /** The next samples that pass, as numbers of rows; a sample is a row once only. */
  const used = new Set<number>();
  const take = (count: number, passes: (sample: number) => boolean): number[] => {
    const rows: number[] = [];
    for (let sample = 0; sample < DRAWN && rows.length < count; sample++) {
      if (used.has(sample) || !passes(sample)) continue;
      used.add(sample);
      rows.push(taken.push(sample) - 1);
    }
    return rows;
  };
  const fires = (sample: number, feature: number): boolean => active[sample]!.has(feature);

  const pairs = likelyPairs(chosen, active).map(([a, b]) => {
    const parts = [0, 1].flatMap((ofA) =>
      [0, 1].map((ofB) => ({
        ofA,
        ofB,
        rows: take(
          CROSSED.train + CROSSED.test,
          (sample) => Number(fires(sample, a)) === ofA && Number(fires(sample, b)) === ofB,
        ),
      })),
    );
    const labels = new Map(
      parts.flatMap(({ ofA, ofB, rows }) => rows.map((row) => [row, [ofA, ofB]] as const)),
    );
    const set = {
      name: `features ${a} and ${b}`,
      data: 'samples of the synthetic model',
      classes: ['silent', 'fires'],
      ...split(
        parts.map(({ rows }) => rows),
        CROSSED.test,
      ),
    };
    return { set, labels, b };
  });
  const single = chosen.map((feature) =>
    take(CLASS.train + CLASS.test, (sample) =>
      chosen.every((other) => fires(sample, other) === (other === feature)),
    ),
  );
  const dense = chosen.map((feature): DenseTask => {
    const on = take(DENSE / 2, (sample) => fires(sample, feature));
    const off = take(DENSE / 2, (sample) => !fires(sample, feature));
    const rows = Int32Array.from([...on, ...off]);
    return {
      task: `feature ${feature}`,
      rows,
      labels: Uint8Array.from(rows, (_, i) => Number(i < on.length)),
    };
  });

  const texts = taken.map((sample) => `sample ${sample}`);
  const labelOf = new Int32Array(taken.length).fill(-1);
  single.forEach((rows, label) => {
    for (const row of rows) labelOf[row] = label;
  });
  const classes = planConcepts(
    {
      name: 'features',
      data: 'samples of the synthetic model',
      classes: chosen.map((feature) => `feature ${feature}`),
      labels: labelOf,
      ...split(single, CLASS.test),
      texts,
    },
    { seed, resamples: 1 },
  );
  const plans = pairs.map(({ set, labels, b }) => {
    const of = (place: 0 | 1): number[] => taken.map((_, row) => labels.get(row)?.[place] ?? 0);
    const attribute = { name: `feature ${b}`, values: ['silent', 'fires'], labels: of(1) };
    return planScr({ ...set, labels: of(0), attribute, texts }, 1, 0, { resamples: 1 });
  });
  const numbers = Int32Array.from(taken);
  const x = activationsOf(model.parts, rowsOf(found, numbers));
  return { x, rows: taken.length, classes, pairs: plans, dense };
}

/** Of each group the last `test` rows are of the test part. */
function split(groups: readonly number[][], test: number): { train: Int32Array; test: Int32Array } {
  const part = (rows: (group: number[]) => number[]): Int32Array => Int32Array.from(groups.flatMap(rows));
  return { train: part((rows) => rows.slice(0, -test)), test: part((rows) => rows.slice(-test)) };
}

/** Evenly over the frequencies, whatever the seed; none fires only with another. */
function chosenFeatures(model: SyntheticModel): number[] {
  const { indices } = model.features(sampleBatch('choice of concepts', 0, 1, DRAWN));
  const { features, forest } = model.parts;
  const rates = new Float64Array(features);
  for (const feature of indices) rates[feature]! += 1 / DRAWN;
  const frequent = [...rates.keys()]
    .filter((feature) => rates[feature]! >= RATES[0] && rates[feature]! <= RATES[1])
    .sort((a, b) => rates[b]! - rates[a]!);
  const above = (feature: number): number[] => {
    const parent = forest?.parent[feature] ?? -1;
    return parent < 0 ? [] : [parent, ...above(parent)];
  };
  const chosen: number[] = [];
  const step = frequent.length / CONCEPTS;
  for (let i = 0; i < CONCEPTS; i++) {
    const free = frequent
      .slice(Math.round(i * step))
      .find(
        (each) =>
          !chosen.some((other) => [each, ...above(each)].includes(other) || above(other).includes(each)),
      );
    if (free !== undefined) chosen.push(free);
  }
  if (chosen.length < CONCEPTS) throw new Error(`${chosen.length} features fire often enough to be concepts`);
  return chosen;
}

/** Pairs whose rarest combination is most frequent. */
function likelyPairs(chosen: readonly number[], active: readonly Set<number>[]): [number, number][] {
  const pairs = chosen.flatMap((a, i) => chosen.slice(i + 1).map((b): [number, number] => [a, b]));
  const least = ([a, b]: [number, number]): number => {
    const counts = [0, 0, 0, 0];
    for (const set of active) counts[2 * Number(set.has(a)) + Number(set.has(b))]!++;
    return Math.min(...counts);
  };
  return pairs.sort((p, q) => least(q) - least(p)).slice(0, PAIRS);
}

function activeSets({ starts, indices }: ActiveFeatures): Set<number>[] {
  return Array.from(
    { length: starts.length - 1 },
    (_, t) => new Set(indices.subarray(starts[t]!, starts[t + 1]!)),
  );
}

function rowsOf({ starts, indices, values }: ActiveFeatures, samples: Int32Array): ActiveFeatures {
  const ends = [...samples].map((t) => [starts[t]!, starts[t + 1]!] as const);
  const ofRows = new Int32Array(samples.length + 1);
  ends.forEach(([from, to], row) => {
    ofRows[row + 1] = ofRows[row]! + to - from;
  });
  return {
    starts: ofRows,
    indices: Int32Array.from(ends.flatMap(([from, to]) => [...indices.subarray(from, to)])),
    values: Float32Array.from(ends.flatMap(([from, to]) => [...values.subarray(from, to)])),
  };
}
