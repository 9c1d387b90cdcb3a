import { afterEach, expect, it } from 'vitest';
import { fitPca, project } from '../../../runner/evaluation/pca.ts';
import { atCancellationPoints } from '../../../runner/math/cancellation.ts';
import { pivotedCholesky } from '../../../runner/math/cholesky.ts';
import { leadingEigenvectors } from '../../../runner/math/eigen.ts';
import { gram } from '../../../runner/math/gram.ts';
import { random } from '../../../runner/math/random.ts';
import { resampleRows } from '../../../runner/metrics/bootstrap.ts';
import { interval, sumOf } from '../../../runner/metrics/statistic.ts';
import { auroc } from '../../../runner/probes/auroc.ts';
import { fitL1Logistic } from '../../../runner/probes/l1-logistic.ts';
import { randomStart, trainLinearProbe } from '../../../runner/probes/linear-probe.ts';
import { decisionValues, fitLogistic } from '../../../runner/probes/logistic-regression.ts';
import { meanDifference } from '../../../runner/probes/mean-difference.ts';
import { randomMultiStart, trainMultiProbe } from '../../../runner/probes/multi-probe.ts';
import { alignments } from '../../../runner/suites/ablation.ts';

const ROWS = 60;
const COLUMNS = 20;
const stream = random('cancellation');
const values = Float32Array.from({ length: ROWS * COLUMNS }, () => stream.gaussian());
const features = { values, rows: ROWS, columns: COLUMNS };
const few = Float32Array.from(values, (value, i) => (i % 7 === 0 ? value : 0));
const rows = Int32Array.from({ length: ROWS }, (_, row) => row);
const labels = Uint8Array.from(rows, (row) => row % 2);
const large = 300;
const symmetric = gram(
  Float32Array.from({ length: large * 4 }, () => stream.gaussian()),
  large,
  4,
);
const resamples = resampleRows(ROWS, { count: 40 });
const estimate = sumOf(values.subarray(0, ROWS), resamples);

function trainSeveral(): void {
  const recipe = { epochs: 3, batchRows: 16, learningRate: [1e-2, 1e-3], weightDecay: 0, l1: 0 } as const;
  trainMultiProbe(features, rows, labels, randomMultiStart(ROWS, COLUMNS, 2, stream), recipe);
}

afterEach(() => atCancellationPoints(() => undefined));

// Each with the least number of steps between which it must be possible to stop.
it.each<[string, number, () => unknown]>([
  ['a product of dense rows', ROWS / 4, () => gram(values, ROWS, COLUMNS)],
  ['a product of sparse rows', COLUMNS, () => gram(few, ROWS, COLUMNS)],
  ['a Cholesky factor', COLUMNS, () => pivotedCholesky(gram(values, ROWS, COLUMNS), ROWS)],
  [
    'eigenvectors by rotations',
    COLUMNS,
    () => leadingEigenvectors(gram(values.subarray(0, 400), 20, 20), 20, 3),
  ],
  ['eigenvectors by iteration', large, () => leadingEigenvectors(symmetric, large, 3)],
  ['principal components of tokens', ROWS, () => project(fitPca(values, COLUMNS, 2), values)],
  ['a logistic regression', 10, () => fitLogistic(features, labels, rows)],
  // Far more sweeps of coordinate descent than steps of Newton's.
  ['an L1 logistic regression', 60, () => fitL1Logistic(features, labels, rows, { c: 100 })],
  ['probes of several classes', 3 * Math.ceil(ROWS / 16), () => trainSeveral()],
  [
    'the scores of a probe',
    ROWS,
    () => decisionValues(features, rows, { weights: new Float64Array(20), intercept: 0 }),
  ],
  [
    'a probe trained by gradients',
    20 * Math.ceil(ROWS / 16),
    () => trainLinearProbe(features, rows, labels, randomStart(ROWS, COLUMNS, stream)),
  ],
  ['a difference of means', ROWS, () => meanDifference(features, rows, labels)],
  ['alignments with a probe', ROWS, () => alignments({ weights: new Float64Array(COLUMNS) }, values)],
  ['a sum in each resample', 40, () => sumOf(values.subarray(0, ROWS), resamples)],
  ['the interval of an estimate', 40, () => interval(estimate)],
  ['an area in each resample', 40, () => auroc(Float64Array.from(rows), labels, resamples)],
])('%s can be ended between its steps', (_name, least, work) => {
  let points = 0;
  atCancellationPoints(() => {
    points++;
  });
  work();
  expect(points).toBeGreaterThanOrEqual(least);
  const last = points;
  let again = 0;
  atCancellationPoints(() => {
    if (++again === last) throw new Error('asked to stop');
  });
  expect(work).toThrow('asked to stop');
});
