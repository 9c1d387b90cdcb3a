import { describe, expect, test } from 'vitest';
import { cpythonRandom } from '../../../runner/math/cpython-random.ts';
import { numpyRandom } from '../../../runner/math/numpy-random.ts';
import type { DenseFeatures } from '../../../runner/probes/features.ts';
import { fitL1Logistic } from '../../../runner/probes/l1-logistic.ts';
import { rankedColumns } from '../../../runner/suites/sae-probes/probes.ts';
import {
  planTask,
  type Quality,
  qualities,
  qualityOf,
  sparseScores,
  wholeScores,
} from '../../../runner/suites/sae-probes/score.ts';
import { folds, taskRows } from '../../../runner/suites/sae-probes/split.ts';
import { saeProbesTasks } from '../../../runner/suites/sae-probes/tasks.ts';
import golden from '../../fixtures/sae-probes/sae-probes.json' with { type: 'json' };

type Task = (typeof golden.tasks)[number];

/** As `features` of make_sae_probes.py draws them. */
function features({ seed, size, columns, scale, strength }: Task): DenseFeatures {
  const stream = cpythonRandom(seed);
  const values = new Float32Array(size * columns);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < columns; j++) {
      const chance = j >= 8 || i % 2 === 0 ? 0.3 : 0.3 + (j + 1) * strength;
      if (stream.random() < chance) values[i * columns + j] = stream.random() * scale * (1 + (j % 3));
    }
  }
  return { values, rows: size, columns };
}

const alternating = (size: number): Uint8Array => Uint8Array.from({ length: size }, (_, i) => i % 2);

describe('the splits of sae-probes', () => {
  test.each(golden.random)('NumPy’s RandomState($seed)', ({ seed, permutation, choice, after }) => {
    const stream = numpyRandom(seed);
    const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
    expect([...stream.permutation(range(0, 12))]).toEqual(permutation);
    expect([...stream.choose(range(100, 130), 7)]).toEqual(choice);
    expect([...stream.permutation(range(0, 700))].slice(0, 20)).toEqual(after);
  });

  test.each(golden.rows)('train and test rows of $size', ({ size, train, test: tested }) => {
    const found = taskRows(alternating(size), 'made');
    expect([...found.train]).toEqual(train);
    expect([...found.test]).toEqual(tested);
  });

  test.each(golden.folds)('validation rows of $rows', ({ rows, validation }) => {
    const labels = Uint8Array.from({ length: rows }, (_, i) => (i % 3) % 2);
    expect(folds(labels).map(({ validate }) => [...validate])).toEqual(validation);
  });

  test('refuse a task without enough rows of a class', () => {
    expect(() => taskRows(alternating(112), 'short')).toThrow(/task short.*113 rows/s);
    expect(() => taskRows(new Uint8Array(300).fill(1, 0, 100), 'one-sided')).toThrow(
      /100 positive and 200 negative/,
    );
  });

  test('know 113 tasks, all large enough', () => {
    expect(saeProbesTasks).toHaveLength(113);
    expect(new Set(saeProbesTasks.map(({ name }) => name)).size).toBe(113);
    expect(saeProbesTasks.every(({ rows }) => rows > 228 && rows <= 5000)).toBe(true);
  });
});

describe('L1 logistic regression', () => {
  test.each(golden.optima)('finds the optimum: $task, C = $c', ({ task, columns, c, weights, intercept }) => {
    const made = golden.tasks.find(({ name }) => name === task)!;
    const whole = features(made);
    const values = Float32Array.from(
      { length: made.size * columns },
      (_, at) => whole.values[Math.floor(at / columns) * made.columns + (at % columns)]!,
    );
    const chosen = { values, rows: made.size, columns };
    const rows = Int32Array.from({ length: made.size }, (_, i) => i);
    const fit = fitL1Logistic(chosen, alternating(made.size), rows, { c });
    const size = Math.max(...weights.map(Math.abs), Math.abs(intercept), 1e-3);
    weights.forEach((weight, j) => {
      expect(Math.abs(fit.weights[j]! - weight)).toBeLessThan(1e-4 * size);
      expect(fit.weights[j] === 0).toBe(weight === 0);
    });
    expect(Math.abs(fit.intercept - intercept)).toBeLessThan(1e-4 * size);
    // From another C it comes to the same place.
    const start = fitL1Logistic(chosen, alternating(made.size), rows, { c: 100 * c });
    const again = fitL1Logistic(chosen, alternating(made.size), rows, { c, start });
    again.weights.forEach((weight, j) => {
      expect(Math.abs(weight - fit.weights[j]!)).toBeLessThan(1e-4 * size);
    });
  });

  test.each([1, 6])('finds the optimum where columns nearly depend on one another: %i', (seed) => {
    const stream = cpythonRandom(seed);
    const [size, columns, c] = [40, 6, 1e5];
    const values = new Float32Array(size * columns);
    const labels = new Uint8Array(size);
    for (let i = 0; i < size; i++) {
      const shared = 10 * stream.random();
      labels[i] = stream.random() < shared / 10 ? 1 : 0;
      for (let j = 0; j < columns; j++) values[i * columns + j] = shared + 0.1 * stream.random();
    }
    const rows = Int32Array.from(labels.keys());
    const { weights, intercept } = fitL1Logistic({ values, rows: size, columns }, labels, rows, { c });
    const misses = Array.from(rows, (row) => {
      const margin = weights.reduce((sum, w, j) => sum + w * values[row * columns + j]!, intercept);
      return 1 / (1 + Math.exp(-margin)) - labels[row]!;
    });
    expect(Math.abs(c * misses.reduce((sum, miss) => sum + miss, 0))).toBeLessThan(1e-4);
    weights.forEach((weight, j) => {
      const slope = c * misses.reduce((sum, miss, row) => sum + miss * values[row * columns + j]!, 0);
      if (weight === 0) expect(Math.abs(slope)).toBeLessThan(1 + 1e-4);
      else expect(Math.abs(slope + Math.sign(weight))).toBeLessThan(1e-4);
    });
  });
});

/** Of the fewest test rows, 69, less than two more are put on the other side. */
const TWO_ROWS = 2.01 / 69;
const KS = [1, 2, 5];

describe.each(golden.tasks)('the probes of sae-probes: $name', (task) => {
  const whole = features(task);
  const rows = taskRows(alternating(task.size), task.name);
  const order = [...rows.train, ...rows.test];
  const { columns } = task;
  const read: DenseFeatures = {
    values: Float32Array.from(
      order.flatMap((row) => [...whole.values.subarray(row * columns, (row + 1) * columns)]),
    ),
    rows: order.length,
    columns,
  };
  const labels = Uint8Array.from(order, (row) => row % 2);
  const plan = planTask(task.name, labels, rows.train.length, { resamples: 50, seed: 0 });
  const found = qualities(plan, sparseScores(plan, read, KS, 'l1'), KS, columns);
  const ceiling = qualityOf(plan, wholeScores(plan, read));

  test('choose the same columns', () => {
    for (const { k, indices } of task.program.sparse) {
      expect([...rankedColumns(read, plan.train, labels, k)]).toEqual(indices);
    }
  });

  const distance = (quality: Quality, theirs: { test_acc: number; test_auc: number; test_f1: number }) =>
    Math.max(
      Math.abs(quality.accuracy.value! - theirs.test_acc),
      Math.abs(quality.auroc.value! - theirs.test_auc),
      Math.abs(quality.f1.value! - theirs.test_f1),
    );

  test('score as scikit-learn does at the optimum', () => {
    for (const { k, ...theirs } of task.converged.sparse)
      expect(distance(found.get(k)!, theirs)).toBeLessThan(1e-9);
    expect(distance(ceiling, task.converged.whole)).toBeLessThan(1e-9);
  });

  test('score as the program does, which stops before the optimum', () => {
    for (const { k, ...theirs } of task.program.sparse)
      expect(distance(found.get(k)!, theirs)).toBeLessThan(TWO_ROWS);
    expect(distance(ceiling, task.program.whole)).toBeLessThan(TWO_ROWS);
  });

  test('have intervals that hold the value', () => {
    for (const { auroc, f1 } of found.values()) {
      for (const statistic of [auroc, f1]) {
        if (statistic.value === null) throw new Error('measured');
        expect(Math.min(...statistic.samples)).toBeLessThanOrEqual(statistic.value);
        expect(Math.max(...statistic.samples)).toBeGreaterThanOrEqual(statistic.value);
      }
    }
  });
});
