import { describe, expect, it } from 'vitest';
import { random } from '../../../runner/math/random.ts';
import type { DenseFeatures } from '../../../runner/probes/features.ts';
import { type ConceptSet, planConcepts } from '../../../runner/suites/concepts.ts';
import { fullProbe, kSparseProbes, kSparseSuite } from '../../../runner/suites/k-sparse/k-sparse.ts';
import { planScr, scrOfPair, scrProbes, scrSuite } from '../../../runner/suites/scr/scr.ts';
import { conceptProbes, tppOfSet, tppSaeBenchSuite } from '../../../runner/suites/tpp/tpp-saebench.ts';
import { expectDeclared } from './declared.ts';

const CLASSES = 3;
const TRAIN = 400;
const TEST = 40;
const PER_CLASS = TRAIN + TEST;
/** Latents 0..2 carry a class each, 3 the attribute, the rest nothing. */
const LATENTS = 20;
const WIDTH = 10;
const few = { resamples: 200 };

const set: ConceptSet = {
  name: 'planted',
  data: 'simulated',
  classes: ['a', 'b', 'c'],
  attribute: {
    name: 'tone',
    values: ['low', 'high'],
    labels: Uint8Array.from({ length: CLASSES * PER_CLASS }, (_, row) => row % 2),
  },
  labels: Uint8Array.from({ length: CLASSES * PER_CLASS }, (_, row) => Math.floor(row / PER_CLASS)),
  train: Int32Array.from(
    { length: CLASSES * TRAIN },
    (_, i) => Math.floor(i / TRAIN) * PER_CLASS + (i % TRAIN),
  ),
  test: Int32Array.from(
    { length: CLASSES * TEST },
    (_, i) => Math.floor(i / TEST) * PER_CLASS + TRAIN + (i % TEST),
  ),
  texts: Array.from({ length: CLASSES * PER_CLASS }, (_, row) => `text ${row}`),
};

/** x is what the latents add up to along the axes, latent j along axis j mod 10, and noise. */
function planted(): {
  features: { latents: DenseFeatures; residual: DenseFeatures };
  directions: { rows: Float32Array };
} {
  const stream = random('planted');
  const rows = CLASSES * PER_CLASS;
  const z = new Float32Array(rows * LATENTS);
  const x = new Float32Array(rows * WIDTH);
  const directions = new Float32Array(LATENTS * WIDTH);
  for (let j = 0; j < LATENTS; j++) directions[j * WIDTH + (j % WIDTH)] = 1;
  for (let row = 0; row < rows; row++) {
    for (let j = 0; j < LATENTS; j++) {
      const carried = j < CLASSES ? set.labels[row] === j : j === 3 && set.attribute?.labels[row] === 1;
      z[row * LATENTS + j] = (carried ? 3 : 0) + stream.next();
      x[row * WIDTH + (j % WIDTH)]! += z[row * LATENTS + j]!;
    }
  }
  return {
    features: {
      latents: { values: z, rows, columns: LATENTS },
      residual: { values: x, rows, columns: WIDTH },
    },
    directions: { rows: directions },
  };
}

const { features, directions } = planted();
const plan = planConcepts(set, few);

describe('planConcepts', () => {
  it('sets each class against as many rows of the others, evenly, and tests on other texts', () => {
    expect(plan.train_rows).toBe(2 * TRAIN);
    for (const [target, task] of plan.tasks.entries()) {
      const count = (rows: Int32Array, label: number) =>
        Array.from(rows).filter((row) => set.labels[row] === label).length;
      for (let label = 0; label < CLASSES; label++) {
        expect(count(task.train, label)).toBe(label === target ? TRAIN : TRAIN / 2);
        expect(count(task.test, label)).toBe(label === target ? TEST : TEST / 2);
      }
      expect(new Set([...task.train, ...task.test]).size).toBe(2 * PER_CLASS);
    }
    expect(planConcepts(set, few)).toEqual(plan);
    expect(planConcepts(set, { ...few, seed: 1 }).tasks[0]!.train).not.toEqual(plan.tasks[0]!.train);
  });

  it('refuses a set with a text on both sides, and one with a class missing', () => {
    const texts = [...set.texts];
    texts[set.test[5]!] = ` ${texts[set.train[7]!]} `;
    expect(() => planConcepts({ ...set, texts }, few)).toThrow(
      /probe set planted: found 1 test texts that also stand in the training part/,
    );
    const labels = Uint8Array.from(set.labels, (label) => (label === 2 ? 1 : label));
    expect(() => planConcepts({ ...set, labels }, few)).toThrow(
      /planted \(training rows\): found 400 of a, 800 of b, 0 of c/,
    );
  });
});

describe('k-sparse probing', () => {
  it('finds the one latent that carries a class, where no channel of the residual does as well', () => {
    const latents = kSparseProbes(plan, features.latents, [1, 2, 50]);
    expect(latents.get(1)!.accuracy.value).toBe(1);
    const part = kSparseSuite(
      [
        {
          plan,
          latents,
          residual: kSparseProbes(plan, features.residual, [1, 2, 50]),
          ceiling: fullProbe(plan, features.residual),
        },
      ],
      [1, 2, 50],
    );
    expectDeclared('k-sparse', part);
    const { accuracy, auroc } = part.curves!;
    expect(accuracy!.points[0]).toMatchObject({ at: 1, values: { sae: { value: 1 } } });
    expect(auroc!.points[0]).toMatchObject({ at: 1, values: { sae: { value: 1 } } });
    expect(accuracy!.points[0]!.values.channels).toMatchObject({ interval: { low: expect.any(Number) } });
    expect(accuracy!.points[2]!.values.sae).toEqual({
      value: null,
      reason: '50 of 20 columns cannot be chosen',
    });
    expect(part.tables!.data_sets![0]).toMatchObject({
      name: 'planted',
      cells: { classes: ['a', 'b', 'c'], test_rows: 80 },
    });
  });

  it('is chance for features that know nothing', () => {
    const stream = random('nothing');
    const values = Float32Array.from({ length: features.latents.values.length }, () => stream.next());
    const { accuracy, auroc } = kSparseProbes(plan, { ...features.latents, values }, [2]).get(2)!;
    expect(Math.abs(accuracy.value! - 0.5)).toBeLessThan(0.1);
    expect(Math.abs(auroc.value! - 0.5)).toBeLessThan(0.1);
  });
});

describe('tpp@saebench-N', () => {
  const probes = conceptProbes(plan, features.residual, 0);

  it('is the fall of the class that owns the latent beyond that of the others', () => {
    const result = tppOfSet(plan, features, probes, directions, [1, 2, 500]);
    expect(result.accuracy.value).toBeGreaterThan(0.8);
    const [one] = result.points;
    expect(one!.intended.value).toBeGreaterThan(0.2);
    expect(one!.value.value).toBeCloseTo(one!.intended.value! - one!.unintended.value!, 14);
    // The other probes lean on the class's absence, so that they fall too, but less.
    expect(one!.value.value).toBeGreaterThan(0.1);
    const part = tppSaeBenchSuite([{ plan, result }]);
    expectDeclared('tpp', part);
    expect(part.curves!.tpp!.points[2]!.values.tpp).toEqual({
      value: null,
      reason: '500 of 20 latents cannot be ablated',
    });
  });

  it('is null where latents have no direction of their own', () => {
    const result = tppOfSet(plan, features, probes, { rows: null, reason: 'because' }, [1]);
    const missing = { value: null, reason: 'because' };
    expect(tppSaeBenchSuite([{ plan, result }]).curves!.tpp!.points).toEqual([
      { at: 1, values: { tpp: missing, intended: missing, unintended: missing } },
    ]);
  });
});

describe('scr@saebench-N', () => {
  it('is the share of the biased probe’s loss that comes back, in the direction that lost more', () => {
    const pair = planScr(set, 0, 1, few);
    expect(pair.train[0].rows.length).toBe(TRAIN);
    const probes = scrProbes(pair, features.residual, 0);
    const result = scrOfPair(pair, features, probes, directions, [1, 500]);
    const part = scrSuite([{ plan: pair, result }]);
    expectDeclared('scr', part);
    const counted = result.counted!;
    expect(counted.biased.value).toBeLessThan(counted.clean.value! - 0.01);
    const other = result.directions.find((each) => each !== counted)!;
    expect(counted.biased.value).toBeLessThan(other.biased.value!);
    const { after, value } = counted.points[0]!;
    const share = (after.value! - counted.biased.value!) / (counted.clean.value! - counted.biased.value!);
    expect(value.value).toBeCloseTo(share, 14);
    // The other direction has nothing to lose: 0 by definition, and said so where it counts.
    expect(other.points[0]!.value.value).toBe(0);
    const nothing = scrSuite([{ plan: pair, result: { ...result, counted: other } }]);
    expect(nothing.curves!.scr!.sets[0]!.points[0]!.values.scr).toMatchObject({
      value: 0,
      note: expect.stringMatching(/less than 0.001/),
    });
    expect(part.curves!.scr!.points[1]!.values.scr).toMatchObject({ value: null });
  });

  it('refuses a set without a second label', () => {
    const { attribute: _, ...plain } = set;
    expect(() => planScr(plain, 0, 1, few)).toThrow(/found no second label/);
  });
});
