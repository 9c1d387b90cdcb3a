/**
 * Newton's method for L2 logistic regression, its steps solved by conjugate gradients with a diagonal preconditioner
 * and no more accuracy than the step deserves (Dembo, Eisenstat and Steihaug 1982; Lin, Weng and Keerthi 2008). The
 * objective is strictly convex in the weights, so the solution does not depend on the road: the gradient that decides
 * where it ends is float64, the curvature that leads there float32.
 */
import { MalformedError } from '../errors.ts';
import { cancellationPoint } from '../math/cancellation.ts';
import { openCurvature } from './curvature.ts';
import type { Design } from './design-matrix.ts';

export interface Problem {
  design: Design;
  /** 0 or 1 per row. */
  targets: ArrayLike<number>;
  /** Weight of each row's loss. */
  rowWeights: Float64Array;
  /** Inverse strength of the penalty: minimised is Σ weight · loss + ‖w‖² / (2 C). The intercept is not penalised. */
  c: number;
}

export interface Solution {
  weights: Float64Array;
  intercept: number;
  /** weight · (probability − target) a row: the gradient of the loss in the margins. */
  residuals: Float64Array;
  newtonSteps: number;
  products: number;
}

const NEWTON_LIMIT = 200;
const CONJUGATE_LIMIT = 2_000;

/** `tolerance` bounds the largest gradient entry of the objective divided by Σ weight, relative to the data's scale. */
export function minimise(problem: Problem, tolerance: number): Solution {
  const { design, targets, rowWeights, c } = problem;
  const { rows, columns } = design;
  const size = columns + 1;
  const weightSum = rowWeights.reduce((a, b) => a + b, 0);
  const bound = tolerance * weightSum * Math.max(1, design.scale());

  // The intercept is the last entry of every vector of length `size`.
  const point = new Float64Array(size);
  const gradient = new Float64Array(size);
  const margins = new Float64Array(rows);
  const residuals = new Float64Array(rows);
  const curvature = new Float64Array(rows);
  const step = new Float64Array(size);
  const stepMargins = new Float64Array(rows);
  const trial = new Float64Array(rows);
  const hessian = openCurvature(design);
  let products = 0;
  let value = objective(margins, 0);
  let firstNorm = 0;

  for (let newtonSteps = 0; newtonSteps < NEWTON_LIMIT; newtonSteps++) {
    cancellationPoint();
    differentiate();
    const norm = Math.sqrt(dot(gradient, gradient));
    if (newtonSteps === 0) firstNorm = norm;
    if (largest(gradient) <= bound) {
      return {
        weights: point.slice(0, columns),
        intercept: point[columns]!,
        residuals,
        newtonSteps,
        products,
      };
    }
    solve(Math.max(Math.min(0.5, Math.sqrt(norm / firstNorm)) * norm, bound / 2));
    if (!search()) break;
  }
  throw new MalformedError({
    thing: 'probe features',
    found: `a largest gradient entry of ${largest(gradient).toExponential(2)} where no further step helps`,
    expected: `at most ${bound.toExponential(2)}`,
    next: 'Check the latents for values too large for float64 sums.',
  });

  function objective(at: Float64Array, squared: number): number {
    let total = squared / (2 * c);
    for (let i = 0; i < rows; i++) {
      const signed = targets[i] === 1 ? at[i]! : -at[i]!;
      // log(1 + e^-signed) without overflow on either side.
      total += rowWeights[i]! * (Math.max(-signed, 0) + Math.log1p(Math.exp(-Math.abs(signed))));
    }
    return total;
  }

  function differentiate(): void {
    let total = 0;
    for (let i = 0; i < rows; i++) {
      const tail = Math.exp(-Math.abs(margins[i]!));
      const larger = 1 / (1 + tail);
      const smaller = tail / (1 + tail);
      const probability = margins[i]! >= 0 ? larger : smaller;
      const other = margins[i]! >= 0 ? smaller : larger;
      residuals[i] = rowWeights[i]! * (targets[i] === 1 ? -other : probability);
      curvature[i] = rowWeights[i]! * larger * smaller;
      total += residuals[i]!;
    }
    design.transposed(residuals, gradient);
    for (let j = 0; j < columns; j++) gradient[j]! += point[j]! / c;
    gradient[columns] = total;
    products++;
  }

  /** step := −H⁻¹ gradient, until the remainder's norm is at most `limit`. */
  function solve(limit: number): void {
    const diagonal = hessian.at(curvature);
    for (let j = 0; j < columns; j++) diagonal[j]! += 1 / c;
    diagonal[columns] = Math.max(diagonal[columns]!, Number.MIN_VALUE);
    const remainder = gradient.map((entry) => -entry);
    const direction = remainder.map((entry, j) => entry / diagonal[j]!);
    const image = new Float64Array(size);
    step.fill(0);
    let energy = dot2(remainder, diagonal);
    for (let k = 0; k < CONJUGATE_LIMIT; k++) {
      cancellationPoint();
      hessian.times(direction, image);
      products++;
      for (let j = 0; j < columns; j++) image[j]! += direction[j]! / c;
      const bend = dot(direction, image);
      // All rows saturated: the intercept's curvature has vanished and this direction is flat to rounding.
      if (!(bend > 0)) break;
      const length = energy / bend;
      for (let j = 0; j < size; j++) {
        step[j]! += length * direction[j]!;
        remainder[j]! -= length * image[j]!;
      }
      if (Math.sqrt(dot(remainder, remainder)) <= limit) break;
      const next = dot2(remainder, diagonal);
      const ratio = next / energy;
      energy = next;
      for (let j = 0; j < size; j++) direction[j] = remainder[j]! / diagonal[j]! + ratio * direction[j]!;
    }
  }

  /** Backtracks along `step` until the objective falls as the slope promises; false when no length helps. */
  function search(): boolean {
    design.multiply(step, stepMargins);
    for (let i = 0; i < rows; i++) stepMargins[i]! += step[columns]!;
    products++;
    const slope = dot(gradient, step);
    const squaredHere = squared(point, columns);
    const squaredStep = squared(step, columns);
    let cross = 0;
    for (let j = 0; j < columns; j++) cross += point[j]! * step[j]!;
    for (let length = 1; length > 1e-10; length /= 2) {
      for (let i = 0; i < rows; i++) trial[i] = margins[i]! + length * stepMargins[i]!;
      const next = objective(trial, squaredHere + 2 * length * cross + length * length * squaredStep);
      // Near the minimum the fall is below the rounding of the objective itself.
      if (next <= value + 1e-4 * length * slope + 1e-14 * Math.abs(value)) {
        for (let j = 0; j < size; j++) point[j]! += length * step[j]!;
        margins.set(trial);
        value = next;
        return true;
      }
    }
    return false;
  }
}

function largest(values: Float64Array): number {
  let found = 0;
  for (const value of values) found = Math.max(found, Math.abs(value));
  return found;
}

function dot(a: Float64Array, b: Float64Array): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i]! * b[i]!;
  return total;
}

/** Σ a² / d. */
function dot2(a: Float64Array, d: Float64Array): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += (a[i]! * a[i]!) / d[i]!;
  return total;
}

function squared(values: Float64Array, length: number): number {
  let total = 0;
  for (let i = 0; i < length; i++) total += values[i]! * values[i]!;
  return total;
}
