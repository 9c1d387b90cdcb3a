/** Unit vectors of the features, turned away from one another by gradient descent as SAELens does it. */
import { cancellationPoint } from '../math/cancellation.ts';
import type { Random } from '../math/random.ts';

const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;

export function gaussianRows(rows: number, d: number, stream: Random): Float32Array {
  const values = Float32Array.from({ length: rows * d }, () => stream.gaussian());
  normaliseRows(values, d);
  return values;
}

/** Scales each row to length 1, in place; one of length below 1e-8 stays as good as 0. */
export function normaliseRows(values: Float32Array, d: number): void {
  for (let from = 0; from < values.length; from += d) {
    const row = values.subarray(from, from + d);
    const norm = Math.max(1e-8, Math.sqrt(row.reduce((sum, value) => sum + value * value, 0)));
    for (let i = 0; i < d; i++) row[i] = row[i]! / norm;
  }
}

/**
 * Adam on Σ_{i≠j} (e_i·e_j)² + n Σ_i (‖e_i‖² − 1)². The gradient of the first term is 4 (EᵀE e_i − ‖e_i‖² e_i), so that a
 * step costs 2 n d² products, not n² d.
 *
 * @param e [n, d], unit rows; changed in place, and normalised at the end
 */
export function orthogonalise(
  e: Float32Array,
  d: number,
  { steps, rate }: { steps: number; rate: number },
): void {
  const n = e.length / d;
  const first = new Float32Array(e.length);
  const second = new Float32Array(e.length);
  const gram = new Float32Array(d * d);
  const moved = new Float32Array(d);
  for (let step = 1; step <= steps; step++) {
    gram.fill(0);
    for (let from = 0; from < e.length; from += d) {
      cancellationPoint();
      for (let i = 0; i < d; i++) {
        const value = e[from + i]!;
        const at = i * d;
        for (let j = 0; j < d; j++) gram[at + j] = gram[at + j]! + value * e[from + j]!;
      }
    }
    const scale = Math.sqrt(1 - BETA2 ** step) / (1 - BETA1 ** step);
    const slack = EPSILON * Math.sqrt(1 - BETA2 ** step);
    for (let from = 0; from < e.length; from += d) {
      cancellationPoint();
      moved.fill(0);
      let squared = 0;
      for (let i = 0; i < d; i++) {
        const value = e[from + i]!;
        squared += value * value;
        const at = i * d;
        for (let j = 0; j < d; j++) moved[j] = moved[j]! + value * gram[at + j]!;
      }
      for (let i = 0; i < d; i++) {
        const at = from + i;
        const gradient = 4 * (moved[i]! - squared * e[at]!) + 4 * n * (squared - 1) * e[at]!;
        first[at] = BETA1 * first[at]! + (1 - BETA1) * gradient;
        second[at] = BETA2 * second[at]! + (1 - BETA2) * gradient * gradient;
        e[at] = e[at]! - (rate * scale * first[at]!) / (Math.sqrt(second[at]!) + slack);
      }
    }
  }
  normaliseRows(e, d);
}
