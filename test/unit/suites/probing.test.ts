import { describe, expect, it } from 'vitest';
import { MalformedError, UserError } from '../../../runner/errors.ts';
import { random, shuffle } from '../../../runner/math/random.ts';
import { resampleWithinClasses } from '../../../runner/metrics/bootstrap.ts';
import { auroc } from '../../../runner/probes/auroc.ts';
import { splitRows } from '../../../runner/probes/split.ts';
import { isMeasure } from '../../../runner/report/is-measure.ts';
import type { Cell, Row } from '../../../runner/report/part.ts';
import type { Measure } from '../../../runner/report/schema.ts';
import { DENSE_PROBING, denseProbingSuite } from '../../../runner/suites/interpscore/dense-probing.ts';
import { TPP, tppSuite } from '../../../runner/suites/interpscore/tpp.ts';
import golden from '../../fixtures/probes/probes.json' with { type: 'json' };
import { goldenFeatures, goldenLabels } from '../probes/recipe.ts';
import { expectDeclared } from './declared.ts';
import { probeTask } from './tasks.ts';

const few = { resamples: 100 };

function testRowsOf(rows: number): Int32Array {
  return splitRows(rows, { limit: rows }).test;
}

describe('denseProbingSuite', () => {
  it('is the whole pipeline of the reference: scikit-learn’s AUROC on 1,500 rows', () => {
    const fit = golden.fits.find(({ name }) => name === 'probe size')!;
    const features = goldenFeatures(fit);
    const texts = Array.from({ length: fit.rows }, (_, row) => `text ${row}`);
    const labels = goldenLabels(fit.labels);
    // Rows beyond the first 1,500 must not matter.
    const more = new Float32Array(1600 * fit.columns).fill(5);
    more.set(features.values);
    const task = {
      task: 'golden',
      data: 'simulated',
      features: { values: more, rows: 1600, columns: fit.columns },
      labels: Uint8Array.of(...labels, ...new Array<number>(100).fill(1)),
      texts: [...texts, ...new Array<string>(100).fill('text 0')],
    };
    const found = denseProbingSuite([task], few);
    expect(found.metrics[DENSE_PROBING].value).toBeCloseTo(fit.auroc, 6);
    expect(found.probes).toEqual([
      {
        name: 'golden',
        note: 'simulated',
        cells: expect.objectContaining({ train_rows: 1200, test_rows: 300, duplicates: 0 }),
      },
    ]);
    expectDeclared('interpscore', { tables: { probes: found.probes } });
  });

  it('averages the tasks, in the value and in every resample', () => {
    const tasks = [probeTask({ key: 'easy', shift: 1 }), probeTask({ key: 'hard', shift: 0.1 })];
    const found = denseProbingSuite(tasks, few);
    const [easy, hard] = found.details;
    expect(easy!.auroc.value).toBeGreaterThan(hard!.auroc.value);
    expect(found.metrics[DENSE_PROBING].value).toBeCloseTo((easy!.auroc.value + hard!.auroc.value) / 2, 14);
    const whole = found.statistics[DENSE_PROBING];
    if (whole.value === null) throw new Error(whole.reason);
    expect(whole.samples[7]).toBeCloseTo((easy!.auroc.samples[7]! + hard!.auroc.samples[7]!) / 2, 14);
    // Two tasks are resampled independently.
    expect(denseProbingSuite([tasks[0]!], few).details[0]!.auroc).toEqual(easy!.auroc);
  });

  it('covers chance when the labels are shuffled', () => {
    const task = probeTask({ rows: 600, shift: 1 });
    const labels = shuffle(Uint8Array.from(task.labels), random('shuffled labels'));
    const found = denseProbingSuite([{ ...task, labels }]).metrics[DENSE_PROBING];
    if (found.value === null || found.interval === null) throw new Error('no interval');
    expect(found.interval.low).toBeLessThan(0.5);
    expect(found.interval.high).toBeGreaterThan(0.5);
  });

  it('fits under further splits where asked, the definition’s first; the score itself stays', () => {
    const task = probeTask({ rows: 200, shift: 0.3 });
    const plain = denseProbingSuite([task], few);
    const found = denseProbingSuite([task], { ...few, splitSeeds: 2 });
    const [{ cells, ...row }] = found.probes as [Row];
    const {
      split_seeds,
      split_aurocs: aurocs,
      ...others
    } = cells as Record<string, Cell> & {
      split_aurocs: number[];
    };
    expect([{ ...row, cells: others }]).toEqual(plain.probes);
    expect(found.statistics).toEqual(plain.statistics);
    expect(split_seeds).toEqual([0, 1, 2]);
    expect(aurocs[0]).toBe(measureIn(cells.auroc).value);
    for (const seed of [1, 2]) {
      const other = denseProbingSuite([task], { ...few, seed }).probes[0]!;
      expect(aurocs[seed]).toBe(measureIn(other.cells.auroc).value);
    }
    expect(new Set(aurocs).size).toBe(3);
    expectDeclared('interpscore', { tables: { probes: found.probes } });
  });

  it('counts the texts that stand on both sides of the split', () => {
    const task = probeTask({ rows: 50 });
    const found = denseProbingSuite([{ ...task, texts: new Array<string>(50).fill('the same') }], few);
    expect(found.probes[0]!.cells.duplicates).toBe(10);
  });

  it('refuses what cannot be probed', () => {
    const task = probeTask({ rows: 40 });
    const ones = new Uint8Array(40).fill(1);
    expect(() => denseProbingSuite([], few)).toThrow(UserError);
    expect(() => denseProbingSuite([{ ...task, labels: ones }], few)).toThrow(MalformedError);
    expect(() => denseProbingSuite([{ ...task, labels: ones.map(() => 2) }], few)).toThrow(
      /label 2 in row 0/,
    );
    expect(() => denseProbingSuite([{ ...task, labels: ones.subarray(1) }], few)).toThrow(/found 39 labels/);
    const values = task.features.values.slice();
    values[5 * 400 + 3] = Number.NaN;
    expect(() => denseProbingSuite([{ ...task, features: { ...task.features, values } }], few)).toThrow(
      /features of task: found NaN in row 5, latent 3/,
    );
    const short = { ...task.features, values: values.subarray(1) };
    expect(() => denseProbingSuite([{ ...task, features: short }], few)).toThrow(MalformedError);
  });

  it('refuses a test part of one class', () => {
    const task = probeTask({ rows: 10 });
    const test = testRowsOf(10);
    const labels = Uint8Array.from({ length: 10 }, (_, row) => (test.includes(row) ? 1 : row % 2));
    expect(() => denseProbingSuite([{ ...task, labels }], few)).toThrow(
      /test rows\): found 2 rows, 2 of class 1/,
    );
  });
});

function measureIn(cell: Cell | undefined): Measure {
  if (!isMeasure(cell)) throw new Error('no measure');
  return cell;
}

function intervalOf(found: Measure): { low: number; high: number } {
  if (found.value === null || found.interval === null) throw new Error('no interval');
  return found.interval;
}

describe('tppSuite', () => {
  it('loses all of the signal with the latents that carry it', () => {
    const task = probeTask({ rows: 400, columns: 400, shift: 1 });
    const found = tppSuite(task, few);
    expect(Array.from(found.ablated).sort()).toEqual([0, 1]);
    expect(found.perturbation).toMatchObject({ name: 'task', cells: { ablated_latents: 2 } });
    const full = measureIn(found.perturbation.cells.auroc);
    const left = measureIn(found.perturbation.cells.auroc_ablated);
    expect(full.value).toBeGreaterThan(0.95);
    expect(Math.abs(left.value! - 0.5)).toBeLessThan(0.2);
    expect(found.metrics[TPP].value).toBeCloseTo((full.value! - left.value!) / full.value!, 14);
    expectDeclared('interpscore', { tables: { perturbation: [found.perturbation] } });
    // Both are of the same test rows: the definition's share is formed within each resample.
    expect(intervalOf(full).low).toBeGreaterThan(intervalOf(left).high);
    expect(intervalOf(left).low).toBeLessThan(left.value!);
    expect(intervalOf(left).high).toBeGreaterThan(left.value!);
  });

  it('scores the ablated probe on test vectors with those latents set to zero', () => {
    const task = probeTask({ rows: 200, columns: 30, carriers: 10, shift: 0.3 });
    const { fit, ablated, perturbation } = tppSuite(task, { ...few, ablated: 4 });
    expect(ablated).toHaveLength(4);
    const values = task.features.values.slice();
    for (let row = 0; row < 200; row++) for (const latent of ablated) values[row * 30 + latent] = 0;
    const test = testRowsOf(200);
    const scores = Float64Array.from(test, (row) => {
      let total = fit.intercept;
      for (let j = 0; j < 30; j++) total += fit.weights[j]! * values[row * 30 + j]!;
      return total;
    });
    const labels = Uint8Array.from(test, (row) => task.labels[row]!);
    const expected = auroc(scores, labels, resampleWithinClasses(labels, { count: 1 })).value;
    expect(measureIn(perturbation.cells.auroc_ablated).value).toBeCloseTo(expected, 12);
  });

  it('ablates ⌊0.005·n⌋ latents, in the order of |weight|', () => {
    const { fit, ablated } = tppSuite(probeTask({ rows: 60, columns: 1399, carriers: 0 }), few);
    expect(ablated).toHaveLength(6);
    expect(ablated.some((latent) => fit.weights[latent]! < 0)).toBe(true);
    const sizes = Array.from(fit.weights, Math.abs).sort((a, b) => b - a);
    expect(Array.from(ablated, (latent) => Math.abs(fit.weights[latent]!))).toEqual(sizes.slice(0, 6));
  });

  it('takes the first 1,000 rows', () => {
    const task = probeTask({ rows: 1000, columns: 200 });
    const values = new Float32Array(1100 * 200).fill(9);
    values.set(task.features.values);
    const longer = {
      ...task,
      features: { values, rows: 1100, columns: 200 },
      labels: Uint8Array.of(...Array.from(task.labels), ...new Array<number>(100).fill(1)),
      texts: [...task.texts, ...new Array<string>(100).fill('')],
    };
    expect(tppSuite(longer, few)).toEqual(tppSuite(task, few));
  });

  it('is null with a reason where the share is less than one latent', () => {
    expect(tppSuite(probeTask({ rows: 50, columns: 199 }), few).metrics[TPP]).toEqual({
      value: null,
      reason: '0.005 of 199 latents is less than one, so none is ablated',
    });
  });

  it('says when the clip acted', () => {
    // A latent that misleads on the test rows: ablating it raises the AUROC.
    const task = probeTask({ rows: 100, columns: 200, shift: 0.1, carriers: 1 });
    const test = testRowsOf(100);
    for (let row = 0; row < 100; row++) {
      const sign = test.includes(row) ? 1 - task.labels[row]! : task.labels[row]!;
      task.features.values[row * 200] = 4 * sign;
      task.features.values[row * 200 + 1] = 2 * task.labels[row]!;
    }
    const found = tppSuite(task, few).metrics[TPP];
    expect(found).toMatchObject({ value: 0, note: expect.stringMatching(/^clipped from -/) });
  });
});
