/**
 * The step in plain TypeScript: float64 arithmetic, state rounded to float32 after each step. For tests; a hundred
 * times slower than the graph.
 */
import { tensorNames } from '../../sae/sae.ts';
import type { Recipe } from '../recipe.ts';
import { type Gradients, lossAndGradients } from '../reference-loss.ts';
import { mapTensors, type OptimiserState } from '../state.ts';
import type { StepResult, TrainingBackend } from './backend.ts';

export const referenceBackend: TrainingBackend = {
  name: 'reference',
  unsupported: () => null,
  async init(recipe, d_in, initial) {
    let state = initial;
    return {
      async step(x, { learningRate, dead }) {
        const { gradients, ...measured } = lossAndGradients(recipe, d_in, state.parameters, x, dead);
        if (recipe.removeParallelGradient) {
          removeParallel(gradients.W_dec, state.parameters.W_dec, d_in);
        }
        const gradientNorm = Math.hypot(...tensorNames.map((name) => norm(gradients[name])));
        const clip = Math.min(1, recipe.gradientClip / (gradientNorm + 1e-6));
        const clipped = mapTensors((name) => gradients[name].map((g) => g * clip));
        state = adam(recipe, state, clipped, learningRate);
        if (recipe.unitNormDecoder) unitRows(state.parameters.W_dec, d_in);
        const result: StepResult = { ...measured, gradientNorm, centredSquares: centredSquares(x, d_in) };
        return result;
      },
      async state() {
        return state;
      },
      async close() {},
    };
  },
};

function norm(values: Float64Array): number {
  let squares = 0;
  for (const value of values) squares += value * value;
  return Math.sqrt(squares);
}

function removeParallel(gradient: Float64Array, rows: Float32Array, width: number): void {
  for (let at = 0; at < rows.length; at += width) {
    let along = 0;
    let square = 0;
    for (let i = at; i < at + width; i++) {
      along += gradient[i]! * rows[i]!;
      square += rows[i]! * rows[i]!;
    }
    for (let i = at; i < at + width; i++) gradient[i]! -= (along / Math.max(square, 1e-12)) * rows[i]!;
  }
}

function adam(
  { adamBeta1, adamBeta2, adamEpsilon }: Recipe,
  state: OptimiserState,
  gradients: Gradients,
  learningRate: number,
): OptimiserState {
  const updates = state.updates + 1;
  const stepSize = learningRate / (1 - adamBeta1 ** updates);
  const rootCorrection = Math.sqrt(1 - adamBeta2 ** updates);
  const firstMoments = mapTensors((name) =>
    state.firstMoments[name].map((m, i) => adamBeta1 * m + (1 - adamBeta1) * gradients[name][i]!),
  );
  const secondMoments = mapTensors((name) =>
    state.secondMoments[name].map((v, i) => adamBeta2 * v + (1 - adamBeta2) * gradients[name][i]! ** 2),
  );
  const parameters = mapTensors((name) =>
    state.parameters[name].map((value, i) => {
      const root = Math.sqrt(secondMoments[name][i]!) / rootCorrection;
      return value - (stepSize * firstMoments[name][i]!) / (root + adamEpsilon);
    }),
  );
  return { parameters, firstMoments, secondMoments, updates };
}

function unitRows(rows: Float32Array, width: number): void {
  for (let at = 0; at < rows.length; at += width) {
    let square = 0;
    for (let i = at; i < at + width; i++) square += rows[i]! ** 2;
    const scale = 1 / Math.max(Math.sqrt(square), 1e-12);
    for (let i = at; i < at + width; i++) rows[i]! *= scale;
  }
}

function centredSquares(x: Float32Array, width: number): number {
  const mean = new Float64Array(width);
  const tokens = x.length / width;
  x.forEach((value, i) => {
    mean[i % width]! += value / tokens;
  });
  return x.reduce((sum, value, i) => sum + (value - mean[i % width]!) ** 2, 0);
}
