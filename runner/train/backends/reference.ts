/**
 * The step in plain TypeScript: float64 arithmetic, state rounded to float32 after each step. For tests; a hundred
 * times slower than the graph.
 */
import { architectureOf } from '../architectures/index.ts';
import { momentNoise, momentSeed, roundedMoment } from '../bfloat-moments.ts';
import { hostRows } from '../device-rows.ts';
import type { Recipe } from '../recipe.ts';
import type { Gradients } from '../reference-step.ts';
import { mapParameters, type OptimiserState } from '../state.ts';
import type { StepResult, TrainingBackend } from './backend.ts';
import { padded } from './sparse-cpu/layout.ts';

export const referenceBackend: TrainingBackend = {
  name: 'reference',
  unsupported: () => null,
  async init(recipe, d_in, initial) {
    let state = initial;
    const { reference } = architectureOf(recipe);
    return {
      async step(given, { learningRate, dead, sparsityScale = 1 }, target = given) {
        const [x, y] = [await hostRows(given), await hostRows(target)];
        const { parameters, updates } = state;
        const { gradients, ...measured } = reference.loss({
          recipe,
          d_in,
          parameters,
          x,
          y,
          dead,
          updates,
          sparsityScale,
        });
        if (recipe.removeParallelGradient) {
          removeParallel(gradients.W_dec, parameters.W_dec, d_in);
        }
        const gradientNorm = Math.hypot(...Object.values(gradients).map(norm));
        const clip = Math.min(1, recipe.gradientClip / (gradientNorm + 1e-6));
        const clipped = mapParameters(gradients, (each) => each.map((g) => g * clip));
        state = adam(recipe, state, clipped, learningRate);
        if (recipe.adamMoments === 'bfloat16') roundMoments(state, recipe.dSae, d_in);
        if (recipe.unitNormDecoder) unitRows(state.parameters.W_dec, d_in);
        reference.afterStep?.(state.parameters);
        const result: StepResult = {
          ...measured,
          gradientNorm,
          centredSquares: centredSquares(y, d_in),
          squares: norm(y) ** 2,
        };
        return result;
      },
      async state() {
        return state;
      },
      async close() {},
    };
  },
};

function norm(values: Float64Array | Float32Array): number {
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
  const firstMoments = mapParameters(state.firstMoments, (moments, name) =>
    moments.map((m, i) => adamBeta1 * m + (1 - adamBeta1) * gradients[name]![i]!),
  );
  const secondMoments = mapParameters(state.secondMoments, (moments, name) =>
    moments.map((v, i) => adamBeta2 * v + (1 - adamBeta2) * gradients[name]![i]! ** 2),
  );
  const parameters = mapParameters(state.parameters, (tensor, name) =>
    tensor.map((value, i) => {
      const root = Math.sqrt(secondMoments[name]![i]!) / rootCorrection;
      return value - (stepSize * firstMoments[name]![i]!) / (root + adamEpsilon);
    }),
  );
  return { parameters, firstMoments, secondMoments, updates };
}

/** Of W_dec and W_enc, in the order in which the rows of both lie in the kernels' memory. */
function roundMoments(
  { firstMoments, secondMoments, updates }: OptimiserState,
  n: number,
  d_in: number,
): void {
  const seed = momentSeed(updates);
  const width = padded(d_in);
  for (let j = 0; j < n; j++) {
    for (let i = 0; i < d_in; i++) {
      for (const [name, at, index] of [
        ['W_dec', j * d_in + i, j * width + i],
        ['W_enc', i * n + j, (n + j) * width + i],
      ] as const) {
        const noise = momentNoise(seed, index);
        firstMoments[name][at] = roundedMoment(firstMoments[name][at]!, noise & 0xffff);
        secondMoments[name][at] = roundedMoment(secondMoments[name][at]!, noise >>> 16);
      }
    }
  }
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
