/** Adam as PyTorch takes its steps, with PyTorch's defaults, and how PyTorch's linear layers begin. */
import { type Random, shuffle } from '../math/random.ts';

const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;

export interface Adam {
  /** What is trained; each step changes it in place. */
  values: Float64Array;
  /** Of the loss by each value: filled before a step. */
  gradient: Float64Array;
  step(rate: number): void;
}

/**
 * @param values taken over, not copied
 * @param decay of the weights: `l2` is added to the gradient (torch.optim.Adam), `decoupled` shrinks the values beside it
 *   (torch.optim.AdamW)
 */
export function adam(values: Float64Array, { l2 = 0, decoupled = 0 }): Adam {
  const gradient = new Float64Array(values.length);
  const means = new Float64Array(values.length);
  const squares = new Float64Array(values.length);
  let steps = 0;
  return {
    values,
    gradient,
    step(rate) {
      steps++;
      const size = rate / (1 - BETA1 ** steps);
      const root = Math.sqrt(1 - BETA2 ** steps);
      for (let j = 0; j < values.length; j++) {
        const slope = gradient[j]! + l2 * values[j]!;
        means[j] = BETA1 * means[j]! + (1 - BETA1) * slope;
        squares[j] = BETA2 * squares[j]! + (1 - BETA2) * slope * slope;
        const decayed = values[j]! * (1 - rate * decoupled);
        values[j] = decayed - (size * means[j]!) / (Math.sqrt(squares[j]!) / root + EPSILON);
      }
    },
  };
}

/** A number as nn.Linear draws each of its own: uniform within 1/√columns. */
export function linearStart(columns: number, stream: Random): () => number {
  const bound = 1 / Math.sqrt(columns);
  return () => (2 * stream.next() - 1) * bound;
}

/** The rows of an epoch in another order each time. */
export function shuffledRows(rows: number, stream: Random): () => Int32Array {
  return () =>
    shuffle(
      Int32Array.from({ length: rows }, (_, i) => i),
      stream,
    );
}
