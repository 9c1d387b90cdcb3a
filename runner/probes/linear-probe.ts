/**
 * A linear probe trained by stochastic gradients, as SAEBench trains those of TPP and SCR (Karvonen et al. 2025,
 * appendix; sae_bench.evals.sparse_probing.probe_training): logistic loss plus an L1 penalty, AdamW. How it is
 * trained is part of those metrics: a probe solved to its optimum takes up less of a spurious correlation.
 *
 * It does not see the test rows. SAEBench keeps the epoch that is best on them; this keeps the last.
 */

import { cancellationPoint } from '../math/cancellation.ts';
import type { Random } from '../math/random.ts';
import { adam, linearStart, shuffledRows } from './adam.ts';
import type { DenseFeatures } from './features.ts';

export interface LinearProbe {
  /** [columns] */
  weights: Float64Array;
  intercept: number;
}

export interface LinearProbeRecipe {
  epochs: number;
  batchRows: number;
  learningRate: number;
  l1: number;
}

/** SAEBench's defaults; the size of the batch decides how much of a spurious correlation is learned. */
const SAEBENCH_PROBE: LinearProbeRecipe = { epochs: 20, batchRows: 16, learningRate: 1e-3, l1: 1e-3 };

/** PyTorch's default of AdamW. */
const WEIGHT_DECAY = 0.01;

/** Where the training begins, and in which order it reads the rows. */
export interface LinearProbeStart extends LinearProbe {
  /** Permutation of 0..rows − 1 for an epoch. */
  order: (epoch: number) => ArrayLike<number>;
}

/** As PyTorch initialises nn.Linear: uniform within 1/√columns. */
export function randomStart(rows: number, columns: number, stream: Random): LinearProbeStart {
  const draw = linearStart(columns, stream);
  return {
    weights: Float64Array.from({ length: columns }, draw),
    intercept: draw(),
    order: shuffledRows(rows, stream),
  };
}

/** @param labels 0 or 1 for each entry of `rows` */
export function trainLinearProbe(
  { values, columns }: DenseFeatures,
  rows: ArrayLike<number>,
  labels: ArrayLike<number>,
  start: LinearProbeStart,
  recipe: LinearProbeRecipe = SAEBENCH_PROBE,
): LinearProbe {
  const { epochs, batchRows, learningRate, l1 } = recipe;
  // The intercept is the last entry.
  const probe = adam(Float64Array.of(...start.weights, start.intercept), { decoupled: WEIGHT_DECAY });
  const { values: point, gradient } = probe;
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = start.order(epoch);
    for (let from = 0; from < order.length; from += batchRows) {
      cancellationPoint();
      const to = Math.min(from + batchRows, order.length);
      for (let j = 0; j < columns; j++) gradient[j] = l1 * Math.sign(point[j]!);
      gradient[columns] = 0;
      for (let i = from; i < to; i++) {
        const at = rows[order[i]!]! * columns;
        let logit = point[columns]!;
        for (let j = 0; j < columns; j++) logit += values[at + j]! * point[j]!;
        const miss = (1 / (1 + Math.exp(-logit)) - labels[order[i]!]!) / (to - from);
        for (let j = 0; j < columns; j++) gradient[j]! += miss * values[at + j]!;
        gradient[columns]! += miss;
      }
      probe.step(learningRate);
    }
  }
  return { weights: point.slice(0, columns), intercept: point[columns]! };
}
