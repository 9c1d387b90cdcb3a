/**
 * L1 logistic regression with an unpenalised intercept and unweighted classes, solved to convergence: the optimum that
 * scikit-learn's LogisticRegression(penalty='l1', solver='saga') approaches as its tolerance falls.
 *
 * Minimised is C · Σ_i log(1 + exp(−y_i (x_i·w + b))) + ‖w‖₁, y in {−1, 1}: proximal Newton steps, each a quadratic
 * model solved by coordinate descent (Friedman, Hastie and Tibshirani 2010; Yuan, Ho and Lin 2012), with an exact solve
 * of the non-zero weights where that is slow.
 */
import { MalformedError } from '../errors.ts';
import { cancellationPoint } from '../math/cancellation.ts';
import { solvePositive } from '../math/solve.ts';
import { classCounts, type DenseFeatures } from './features.ts';
import type { LogisticFit } from './logistic-regression.ts';

export type L1Fit = Pick<LogisticFit, 'weights' | 'intercept'>;

const NEWTON_LIMIT = 500;
const SWEEP_LIMIT = 1_000;
/** Columns that nearly depend on one another take very many sweeps: after so many, weights are solved for together. */
const SWEEPS_APART = 50;
/** Largest violation of the optimality conditions that is accepted, where the penalty's slope is 1. */
const TOLERANCE = 1e-6;
/** The same as a share of the gradient's terms: float64 sums carry no more. */
const ROUNDING = 1e-13;
/** Keeps the model convex where probabilities have come to 0 and 1. */
const LEAST_CURVATURE = 1e-12;

/**
 * Fits on the given rows of `features`, `labels` 0 or 1 for every row of `features`.
 *
 * @param start a fit to begin from, such as that of another C
 * @throws MalformedError when the rows hold one class only, or no optimum is found
 */
export function fitL1Logistic(
  features: DenseFeatures,
  labels: ArrayLike<number>,
  rows: ArrayLike<number>,
  { c, name = 'the training rows', start }: { c: number; name?: string; start?: L1Fit },
): L1Fit {
  classCounts(labels, rows, name);
  const n = rows.length;
  const width = features.columns;
  const targets = Float64Array.from(rows, (row) => labels[row]!);
  const { columns, means } = centred(features, rows);
  const scale = c * columns.reduce((most, column) => Math.max(most, sumOfSizes(column)), n);
  const bound = Math.max(TOLERANCE, ROUNDING * scale);

  const weights = Float64Array.from(start?.weights ?? new Float64Array(width));
  let intercept = (start?.intercept ?? 0) + dot(weights, means);
  const margins = new Float64Array(n);
  for (let i = 0; i < n; i++) margins[i] = intercept;
  columns.forEach((column, j) => {
    addTo(margins, column, weights[j]!);
  });
  const misses = new Float64Array(n);
  const curvature = new Float64Array(n);
  let value = objective(margins, weights);

  for (let newton = 0; newton < NEWTON_LIMIT; newton++) {
    cancellationPoint();
    differentiate();
    const gradient = columns.map((column) => c * dot(column, misses));
    const slope = c * misses.reduce((sum, each) => sum + each, 0);
    const violation = gradient.reduce(
      (most, each, j) => Math.max(most, violationOf(each, weights[j]!)),
      Math.abs(slope),
    );
    if (violation <= bound) return finished();
    const step = model(gradient, slope, Math.max(bound / 10, Math.min(violation, 1) * violation * 0.01));
    if (!search(step, gradient, slope)) break;
  }
  throw new MalformedError({
    thing: `L1 logistic regression on ${name}`,
    found: 'no point where the conditions of an optimum hold',
    expected: `violations of at most ${bound.toExponential(1)}`,
    next: 'Check the features for values too large for float64 sums.',
  });

  function finished(): L1Fit {
    return { weights, intercept: intercept - dot(weights, means) };
  }

  function objective(at: Float64Array, w: Float64Array): number {
    let loss = 0;
    for (let i = 0; i < n; i++) {
      const signed = targets[i] === 1 ? at[i]! : -at[i]!;
      loss += signed > 0 ? Math.log1p(Math.exp(-signed)) : Math.log1p(Math.exp(signed)) - signed;
    }
    return c * loss + w.reduce((sum, each) => sum + Math.abs(each), 0);
  }

  function differentiate(): void {
    for (let i = 0; i < n; i++) {
      const tail = Math.exp(-Math.abs(margins[i]!));
      const small = tail / (1 + tail);
      const probability = margins[i]! >= 0 ? 1 - small : small;
      // Where the label is met, the difference of two numbers near 1 would lose its digits.
      const met = margins[i]! >= 0 === (targets[i] === 1);
      misses[i] = met ? (targets[i] === 1 ? -small : small) : probability - targets[i]!;
      curvature[i] = small * (1 - small);
    }
  }

  /**
   * The step to the optimum of the quadratic model: of each weight, and of the intercept last. Columns are centred by the
   * curvature's weights, so that the intercept does not depend on the weights: where a column is constant on the rows
   * that still bend the loss, the two could not be told apart.
   */
  function model(gradient: readonly number[], slope: number, tolerance: number): Float64Array {
    const step = new Float64Array(width + 1);
    const moved = new Float64Array(n);
    const weight = curvature.reduce((sum, each) => sum + each, 0) + LEAST_CURVATURE;
    const shifts = columns.map((column) => dot(curvature, column) / weight);
    const shifted = columns.map((column, j) => column.map((each) => each - shifts[j]!));
    const slopes = gradient.map((each, j) => each - shifts[j]! * slope);
    const bends = shifted.map((column) => {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += curvature[i]! * column[i]! * column[i]!;
      return c * sum + LEAST_CURVATURE;
    });
    for (let sweep = 0; sweep < SWEEP_LIMIT; sweep++) {
      cancellationPoint();
      let largest = 0;
      for (let j = 0; j < width; j++) {
        const column = shifted[j]!;
        let pull = 0;
        for (let i = 0; i < n; i++) pull += curvature[i]! * column[i]! * moved[i]!;
        const found = slopes[j]! + c * pull;
        const at = weights[j]! + step[j]!;
        largest = Math.max(largest, violationOf(found, at));
        const change = shrunk(at - found / bends[j]!, 1 / bends[j]!) - at;
        if (change === 0) continue;
        step[j]! += change;
        addTo(moved, column, change);
      }
      if (largest <= tolerance) break;
      if ((sweep + 1) % SWEEPS_APART === 0) solveTogether();
    }
    step[width] = -slope / (c * weight) - shifts.reduce((sum, shift, j) => sum + shift * step[j]!, 0);
    return step;

    /** Of the weights that are not 0 the optimum of the model as if they kept their signs, or as far as they do. */
    function solveTogether(): void {
      const active = shifted.flatMap((_, j) => (weights[j]! + step[j]! === 0 ? [] : [j]));
      const matrix = new Float64Array(active.length ** 2);
      const right = new Float64Array(active.length);
      const bent = new Float64Array(n);
      active.forEach((j, a) => {
        cancellationPoint();
        for (let i = 0; i < n; i++) bent[i] = c * curvature[i]! * shifted[j]![i]!;
        for (let b = 0; b < a; b++) matrix[a * active.length + b] = dot(bent, shifted[active[b]!]!);
        matrix[a * active.length + a] = bends[j]!;
        right[a] = -slopes[j]! - dot(bent, moved) - Math.sign(weights[j]! + step[j]!);
      });
      const changes = solvePositive(matrix, right);
      let first = -1;
      let length = 1;
      active.forEach((j, a) => {
        const zero = -(weights[j]! + step[j]!) / changes[a]!;
        if (zero > 0 && zero <= length) [first, length] = [j, zero];
      });
      active.forEach((j, a) => {
        const change = j === first ? -(weights[j]! + step[j]!) : length * changes[a]!;
        step[j] = j === first ? -weights[j]! : step[j]! + change;
        addTo(moved, shifted[j]!, change);
      });
    }
  }

  /** Goes along the step as far as it lowers the objective (Armijo); false where nothing does. */
  function search(step: Float64Array, gradient: readonly number[], slope: number): boolean {
    const direction = new Float64Array(n).fill(step[width]!);
    columns.forEach((column, j) => {
      addTo(direction, column, step[j]!);
    });
    let promise = slope * step[width]!;
    for (let j = 0; j < width; j++) {
      const [weight, change] = [weights[j]!, step[j]!];
      // Within one sign the two slopes nearly cancel: their sum first.
      const within = weight * (weight + change) > 0;
      promise += within
        ? (gradient[j]! + Math.sign(weight)) * change
        : gradient[j]! * change + Math.abs(weight + change) - Math.abs(weight);
    }
    const slack = 1e-14 * (value + c * n);
    const trial = new Float64Array(n);
    const next = new Float64Array(width);
    for (let length = 1; length > 1e-10; length /= 2) {
      for (let i = 0; i < n; i++) trial[i] = margins[i]! + length * direction[i]!;
      for (let j = 0; j < width; j++) next[j] = weights[j]! + length * step[j]!;
      const found = objective(trial, next);
      // Near the optimum the gain is less than the objective's rounding: the step of the model is then taken as it is.
      if (!(found <= value + 1e-4 * length * promise + slack)) continue;
      value = found;
      margins.set(trial);
      weights.set(next);
      intercept += length * step[width]!;
      return true;
    }
    return false;
  }
}

/** Columns less their means, over the rows. */
function centred(
  { values, columns: width }: DenseFeatures,
  rows: ArrayLike<number>,
): { columns: Float64Array[]; means: Float64Array } {
  const columns = Array.from({ length: width }, (_, j) =>
    Float64Array.from(rows, (row) => values[row * width + j]!),
  );
  const means = Float64Array.from(columns, (column) => {
    const mean = column.reduce((sum, each) => sum + each, 0) / column.length;
    for (let i = 0; i < column.length; i++) column[i]! -= mean;
    return mean;
  });
  return { columns, means };
}

/** How far a slope is from what the optimum asks of a weight: −sign(w), or within ±1 at 0. */
function violationOf(gradient: number, weight: number): number {
  if (weight === 0) return Math.max(0, Math.abs(gradient) - 1);
  return Math.abs(gradient + Math.sign(weight));
}

function shrunk(value: number, by: number): number {
  return Math.sign(value) * Math.max(0, Math.abs(value) - by);
}

function addTo(target: Float64Array, column: Float64Array, factor: number): void {
  if (factor === 0) return;
  for (let i = 0; i < target.length; i++) target[i]! += factor * column[i]!;
}

function dot(a: Float64Array, b: Float64Array): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i]! * b[i]!;
  return total;
}

function sumOfSizes(values: Float64Array): number {
  return values.reduce((sum, each) => sum + Math.abs(each), 0);
}
