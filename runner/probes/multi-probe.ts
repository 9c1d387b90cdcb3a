/**
 * A linear probe for each of several classes, trained together by Adam on logistic losses that weigh a class's rows
 * against all others (sae_bench.evals.absorption.probing.train_multi_probe): how it is trained is part of the metrics
 * that rest on it.
 */
import { cancellationPoint } from '../math/cancellation.ts';
import type { Random } from '../math/random.ts';
import { adam, linearStart, shuffledRows } from './adam.ts';
import { type Features, rowReader } from './features.ts';

export interface MultiProbe {
  columns: number;
  outputs: number;
  /** [columns, outputs] row-major. */
  weights: Float64Array;
  /** [outputs] */
  biases: Float64Array;
}

export interface MultiProbeRecipe {
  epochs: number;
  batchRows: number;
  /** Falls from epoch to epoch by the same factor, from the first to the second. */
  learningRate: readonly [number, number];
  /** Added to the gradient, as Adam of PyTorch has it. */
  weightDecay: number;
  /** Of the mean over the outputs of Σ |w|. */
  l1: number;
}

export interface MultiProbeStart extends MultiProbe {
  /** Permutation of 0..rows − 1 for an epoch. */
  order: () => ArrayLike<number>;
}

/** As PyTorch initialises nn.Linear: uniform within 1/√columns. */
export function randomMultiStart(
  rows: number,
  columns: number,
  outputs: number,
  stream: Random,
): MultiProbeStart {
  const draw = linearStart(columns, stream);
  return {
    columns,
    outputs,
    weights: Float64Array.from({ length: columns * outputs }, draw),
    biases: Float64Array.from({ length: outputs }, draw),
    order: shuffledRows(rows, stream),
  };
}

/**
 * @param rows of `features` to train on
 * @param classes of each entry of `rows`, in 0..outputs − 1; the probe of a class without a row learns to say no
 */
export function trainMultiProbe(
  features: Features,
  rows: ArrayLike<number>,
  classes: ArrayLike<number>,
  start: MultiProbeStart,
  recipe: MultiProbeRecipe,
): MultiProbe {
  const { columns, outputs } = start;
  const { epochs, batchRows, weightDecay, l1 } = recipe;
  const [first, last] = recipe.learningRate;
  const read = rowReader(features);
  const counts = new Float64Array(outputs);
  for (let i = 0; i < rows.length; i++) counts[classes[i]!]!++;
  const positiveWeights = counts.map((count) => (count === 0 ? 0 : (rows.length - count) / count));
  const weights = adam(Float64Array.from(start.weights), { l2: weightDecay });
  const biases = adam(Float64Array.from(start.biases), { l2: weightDecay });
  const misses = new Float64Array(outputs);
  for (let epoch = 0; epoch < epochs; epoch++) {
    const rate = first * (last / first) ** (epoch / epochs);
    const order = start.order();
    for (let from = 0; from < order.length; from += batchRows) {
      cancellationPoint();
      const to = Math.min(from + batchRows, order.length);
      const share = 1 / ((to - from) * outputs);
      for (let j = 0; j < weights.values.length; j++)
        weights.gradient[j] = (l1 / outputs) * Math.sign(weights.values[j]!);
      biases.gradient.fill(0);
      for (let i = from; i < to; i++) {
        const { indices, values } = read(rows[order[i]!]!);
        misses.set(biases.values);
        for (let entry = 0; entry < values.length; entry++) {
          const value = values[entry]!;
          const at = indices[entry]! * outputs;
          for (let o = 0; o < outputs; o++) misses[o]! += value * weights.values[at + o]!;
        }
        const own = classes[order[i]!]!;
        for (let o = 0; o < outputs; o++) {
          const probability = 1 / (1 + Math.exp(-misses[o]!));
          misses[o] = share * (o === own ? positiveWeights[o]! * (probability - 1) : probability);
          biases.gradient[o]! += misses[o]!;
        }
        for (let entry = 0; entry < values.length; entry++) {
          const value = values[entry]!;
          const at = indices[entry]! * outputs;
          for (let o = 0; o < outputs; o++) weights.gradient[at + o]! += value * misses[o]!;
        }
      }
      weights.step(rate);
      biases.step(rate);
    }
  }
  return { columns, outputs, weights: weights.values, biases: biases.values };
}

/** The score of each of the rows for one output. */
export function multiScores(
  features: Features,
  rows: ArrayLike<number>,
  { weights, biases, outputs }: MultiProbe,
  output: number,
): Float64Array {
  const read = rowReader(features);
  return Float64Array.from(rows, (row) => {
    const { indices, values } = read(row);
    let total = biases[output]!;
    for (let entry = 0; entry < values.length; entry++)
      total += values[entry]! * weights[indices[entry]! * outputs + output]!;
    return total;
  });
}

/** The weights of one output, [columns]. */
export function weightsOfOutput({ weights, outputs, columns }: MultiProbe, output: number): Float64Array {
  return Float64Array.from({ length: columns }, (_, column) => weights[column * outputs + output]!);
}
