/**
 * L2 logistic regression with an unpenalised intercept and balanced classes, solved to convergence: the optimum that
 * scikit-learn's LogisticRegression(C, class_weight='balanced', solver='lbfgs') approaches as its tolerance falls.
 *
 * Minimised is C · Σ_i s_i · log(1 + exp(−y_i (x_i·w + b))) + ‖w‖² / 2, y in {−1, 1}, s_i = n / (2 n_class), or 1 for
 * unbalanced classes.
 */
import { MalformedError } from '../errors.ts';
import { cancellationPoint } from '../math/cancellation.ts';
import { type PreparedFeatures, prepare } from './design.ts';
import { classCounts, type Features, rowReader } from './features.ts';
import { minimise } from './newton.ts';

export interface LogisticFit {
  /** One per latent; 0 for a latent that is zero on every training row. */
  weights: Float64Array;
  intercept: number;
  /** Largest entry of the objective's gradient over Σ s_i, at the weights returned, in the latents' own coordinates. */
  gradient: number;
  newtonSteps: number;
}

export interface LogisticOptions {
  /** Inverse strength of the penalty. */
  c?: number | undefined;
  /** Names the data in errors. */
  name?: string;
  /** Whether each class counts with the same weight, as is usual here; else each row does. */
  balanced?: boolean;
}

/** Tolerance of the solver, relative to the features' scale; well inside what the result is accepted at. */
const SOLVE_TOLERANCE = 1e-10;
/** Above this C the penalty's slope, which falls with 1 / C, would be lost in that tolerance. */
const WEAK_PENALTY = 10;
const ACCEPT_TOLERANCE = 1e-6;

/**
 * Fits on the given rows of `features` (all distinct), `labels` 0 or 1 for every row of `features`.
 * Throws MalformedError when the rows hold one class only.
 */
export function fitLogistic(
  features: Features,
  labels: ArrayLike<number>,
  rows: ArrayLike<number>,
  options: LogisticOptions = {},
): LogisticFit {
  const { c = 1, name = 'the training rows', balanced = true } = options;
  const { negative, positive } = classCounts(labels, rows, name);
  const targets = Uint8Array.from(rows, (row) => labels[row]!);
  const rowWeights = Float64Array.from(targets, (target) =>
    balanced ? rows.length / (2 * (target === 1 ? positive : negative)) : 1,
  );
  const prepared = prepare(features, rows);
  const { design, rotated, kept, means } = prepared;
  const solution = minimise(
    { design, targets, rowWeights, c },
    SOLVE_TOLERANCE / Math.max(1, c / WEAK_PENALTY),
  );

  // In rotated coordinates the weights come back through the optimality condition w = −C Xᵀ residuals.
  const local = rotated ? backProject(prepared, solution.residuals, -c) : solution.weights;
  let intercept = solution.intercept;
  for (let j = 0; j < kept.length; j++) intercept -= means[j]! * local[j]!;

  const gradient = gradientNorm(prepared, targets, rowWeights, c, local, intercept);
  const scale = means.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1);
  if (!(gradient <= ACCEPT_TOLERANCE * scale)) {
    throw new MalformedError({
      thing: `logistic regression on ${name}`,
      found: `a largest gradient entry of ${gradient.toExponential(2)}`,
      expected: `at most ${ACCEPT_TOLERANCE} of the features' scale`,
      next: 'Check the latents for values too large for float64 sums.',
    });
  }
  const weights = new Float64Array(features.columns);
  for (let j = 0; j < kept.length; j++) weights[kept[j]!] = local[j]!;
  return { weights, intercept, gradient, newtonSteps: solution.newtonSteps };
}

/** x·w + b of the given rows. */
export function decisionValues(
  features: Features,
  rows: ArrayLike<number>,
  fit: Pick<LogisticFit, 'weights' | 'intercept'>,
): Float64Array {
  const read = rowReader(features);
  return Float64Array.from(rows, (row) => {
    cancellationPoint();
    const { indices, values } = read(row);
    let total = fit.intercept;
    for (let i = 0; i < values.length; i++) total += values[i]! * fit.weights[indices[i]!]!;
    return total;
  });
}

/** scale · (X − means)ᵀ u. */
function backProject({ matrix, means }: PreparedFeatures, u: Float64Array, scale: number): Float64Array {
  const { rows, columns, starts, at, values } = matrix;
  const out = new Float64Array(columns);
  let total = 0;
  for (let i = 0; i < rows; i++) {
    const weight = u[i]!;
    total += weight;
    for (let entry = starts[i]!; entry < starts[i + 1]!; entry++) out[at[entry]!]! += weight * values[entry]!;
  }
  for (let j = 0; j < columns; j++) out[j] = scale * (out[j]! - means[j]! * total);
  return out;
}

function gradientNorm(
  { matrix }: PreparedFeatures,
  targets: Uint8Array,
  rowWeights: Float64Array,
  c: number,
  weights: Float64Array,
  intercept: number,
): number {
  const { rows, columns, starts, at, values } = matrix;
  const entries = new Float64Array(columns);
  let slope = 0;
  let weightSum = 0;
  for (let i = 0; i < rows; i++) {
    const [from, to] = [starts[i]!, starts[i + 1]!];
    let margin = intercept;
    for (let entry = from; entry < to; entry++) margin += values[entry]! * weights[at[entry]!]!;
    const signed = targets[i] === 1 ? margin : -margin;
    const tail = Math.exp(-Math.abs(signed));
    const miss = (signed >= 0 ? tail : 1) / (1 + tail);
    const residual = rowWeights[i]! * (targets[i] === 1 ? -miss : miss);
    slope += residual;
    weightSum += rowWeights[i]!;
    for (let entry = from; entry < to; entry++) entries[at[entry]!]! += residual * values[entry]!;
  }
  let found = Math.abs(slope);
  for (let j = 0; j < columns; j++) found = Math.max(found, Math.abs(entries[j]! + weights[j]! / c));
  return found / weightSum;
}
