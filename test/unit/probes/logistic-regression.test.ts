import { describe, expect, it } from 'vitest';
import { MalformedError } from '../../../runner/errors.ts';
import { random } from '../../../runner/math/random.ts';
import { resampleWithinClasses } from '../../../runner/metrics/bootstrap.ts';
import { auroc } from '../../../runner/probes/auroc.ts';
import { prepare } from '../../../runner/probes/design.ts';
import type { DenseFeatures, SparseFeatures } from '../../../runner/probes/features.ts';
import { decisionValues, fitLogistic } from '../../../runner/probes/logistic-regression.ts';
import { splitRows } from '../../../runner/probes/split.ts';
import golden from '../../fixtures/probes/probes.json' with { type: 'json' };
import { goldenFeatures, goldenLabels } from './recipe.ts';

function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let difference = 0;
  let size = 0;
  for (let i = 0; i < a.length; i++) {
    difference += (a[i]! - b[i]!) ** 2;
    size += b[i]! ** 2;
  }
  return Math.sqrt(difference / size);
}

function rowsUpTo(count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, row) => row);
}

function noise(rows: number, columns: number, density = 1): { features: DenseFeatures; labels: Uint8Array } {
  const stream = random('logistic', rows, columns);
  const values = Float32Array.from({ length: rows * columns }, () =>
    stream.next() < density ? stream.next() : 0,
  );
  return {
    features: { values, rows, columns },
    labels: Uint8Array.from({ length: rows }, () => stream.integer(2)),
  };
}

function withoutZeros({ values, rows, columns }: DenseFeatures): SparseFeatures {
  const entries = Array.from({ length: rows }, (_, i) => {
    const row = values.subarray(i * columns, (i + 1) * columns);
    const indices = Int32Array.from(row.keys()).filter((j) => row[j] !== 0);
    return { indices, values: Float32Array.from(indices, (j) => row[j]!) };
  });
  return { rows, columns, entries };
}

describe('fitLogistic', () => {
  it.each(golden.fits)('equals scikit-learn: $name', (fit) => {
    const features = goldenFeatures(fit);
    const labels = goldenLabels(fit.labels);
    const { train, test } = splitRows(fit.rows, { limit: fit.rows });
    const found = fitLogistic(features, labels, train, { c: fit.c });
    // The promise is 1e-2; scikit-learn's own two solvers differ by up to 7e-6.
    expect(distance(found.weights, fit.weights)).toBeLessThan(5e-5);
    expect(Math.abs(found.intercept - fit.intercept)).toBeLessThan(
      5e-4 * Math.max(1, Math.abs(fit.intercept)),
    );
    expect(found.gradient).toBeLessThan(1e-8);
    const testLabels = Uint8Array.from(test, (row) => labels[row]!);
    const resamples = resampleWithinClasses(testLabels, { count: 10 });
    const area = auroc(decisionValues(features, test, found), testLabels, resamples);
    expect(Math.abs(area.value - fit.auroc)).toBeLessThan(1e-3);
  });

  it('finds the same optimum in row space as in column space', () => {
    const { features, labels } = noise(60, 50);
    const direct = fitLogistic(features, labels, rowsUpTo(60));
    // The same columns beside 250 that the penalty alone decides: now much wider than tall. Values of 1e-30 are not
    // zero, so they are not dropped, yet can carry no weight.
    const wide = new Float32Array(60 * 300).fill(1e-30);
    for (let i = 0; i < 60; i++) wide.set(features.values.subarray(i * 50, (i + 1) * 50), i * 300);
    expect(prepare({ values: wide, rows: 60, columns: 300 }, rowsUpTo(60)).rotated).toBe(true);
    const rotated = fitLogistic({ values: wide, rows: 60, columns: 300 }, labels, rowsUpTo(60));
    expect(distance(rotated.weights.subarray(0, 50), direct.weights)).toBeLessThan(1e-8);
    expect(rotated.intercept).toBeCloseTo(direct.intercept, 8);
  });

  it.each([
    [40, 10],
    [40, 300],
  ])('gives the same weights for features without their zeros: %i × %i', (rows, columns) => {
    const { features, labels } = noise(rows, columns, 0.3);
    const sparse = withoutZeros(features);
    const train = rowsUpTo(rows - 5);
    const found = fitLogistic(sparse, labels, train);
    expect(found).toEqual(fitLogistic(features, labels, train));
    const test = Int32Array.from({ length: 5 }, (_, i) => rows - 5 + i);
    expect(decisionValues(sparse, test, found)).toEqual(decisionValues(features, test, found));
  });

  it.each([
    [40, 10],
    [40, 300],
  ])('gives zero columns weight 0 and changes nothing else (%i × %i)', (rows, columns) => {
    const { features, labels } = noise(rows, columns, 0.5);
    const plain = fitLogistic(features, labels, rowsUpTo(rows));
    const gaps = new Float32Array(rows * columns * 3);
    for (let at = 0; at < features.values.length; at++) gaps[3 * at + 1] = features.values[at]!;
    const spread = fitLogistic({ values: gaps, rows, columns: 3 * columns }, labels, rowsUpTo(rows));
    for (let j = 0; j < columns; j++) {
      expect(spread.weights[3 * j]).toBe(0);
      expect(spread.weights[3 * j + 1]).toBe(plain.weights[j]);
      expect(spread.weights[3 * j + 2]).toBe(0);
    }
    expect(spread.intercept).toBe(plain.intercept);
  });

  it('gives a constant column no weight: the intercept is free', () => {
    const { features, labels } = noise(50, 4);
    for (let i = 0; i < 50; i++) features.values[i * 4 + 2] = 7;
    expect(Math.abs(fitLogistic(features, labels, rowsUpTo(50)).weights[2]!)).toBeLessThan(1e-9);
  });

  it('fits the intercept alone when every feature is zero: balanced classes give 0', () => {
    const labels = Uint8Array.of(0, 1, 0, 0, 0);
    const fit = fitLogistic({ values: new Float32Array(15), rows: 5, columns: 3 }, labels, rowsUpTo(5));
    expect(fit.intercept).toBeCloseTo(0, 9);
    expect(Array.from(fit.weights)).toEqual([0, 0, 0]);
  });

  it('converges on separable data of very different scales', () => {
    const { features, labels } = noise(80, 30);
    for (let i = 0; i < 80; i++) {
      for (let j = 0; j < 30; j++) features.values[i * 30 + j]! *= 10 ** ((j % 7) - 3);
      features.values[i * 30] = labels[i]! * 1000 + features.values[i * 30]!;
    }
    expect(fitLogistic(features, labels, rowsUpTo(80)).gradient).toBeLessThan(1e-5);
  });

  it('refuses one class only', () => {
    const { features } = noise(10, 3);
    const labels = new Uint8Array(10).fill(1);
    expect(() => fitLogistic(features, labels, rowsUpTo(10), { name: 'sentiment' })).toThrow(MalformedError);
    expect(() => fitLogistic(features, labels, rowsUpTo(10), { name: 'sentiment' })).toThrow(
      /labels of sentiment: found 10 rows, 10 of class 1 and 0 of class 0; expected both classes/,
    );
  });
});
