import { expect, test } from 'vitest';
import { architectureOf } from '../../../runner/train/architectures/index.ts';
import { plainParameters } from '../../../runner/train/plain-parameters.ts';
import type { Recipe } from '../../../runner/train/recipe.ts';
import type { LossAndGradients } from '../../../runner/train/reference-step.ts';
import { mapParameters, type Parameters, valuesOf } from '../../../runner/train/state.ts';
import { gaussians, smallRecipe } from './support.ts';

const [d_in, dSae, tokens] = [5, 12, 7];
const recipe = smallRecipe({ dSae, k: 3, kAux: 4, alphaAux: 0.7, batchTokens: tokens });
const dead = [1, 4, 5, 8, 11];
const transcoder = { ...recipe, transcode: 'skip', applyBDecToInput: false } as const;

function weights(seed: number, of: Recipe = recipe): Parameters {
  return mapParameters(plainParameters(of, d_in), (shape, name) =>
    gaussians(valuesOf(shape), seed, name).map((value) => 0.6 * value),
  );
}

/** With a skip connection among the weights, of a transcoder from x to its tokens in another order. */
function lossOf(parameters: Parameters, x: Float32Array, candidates: readonly number[]): LossAndGradients {
  const [of, y] =
    parameters.W_skip === undefined ? [recipe, x] : [transcoder, x.map((_, i) => x.at(-1 - i)!)];
  const step = { recipe: of, d_in, parameters, x, y, dead: candidates, updates: 0, sparsityScale: 1 };
  return architectureOf(of).reference.loss(step);
}

/** Central difference of the main loss or the AuxK loss along one weight, float32 steps taken as they round. */
function slopeOf(
  which: 'mse' | 'auxLoss',
  tensors: Parameters,
  x: Float32Array,
  name: string,
  i: number,
): number {
  const step = 2 ** -9;
  const at = (offset: number): { value: number; point: number } => {
    const moved = tensors[name]!.slice();
    moved[i]! += offset;
    return { value: lossOf({ ...tensors, [name]: moved }, x, dead)[which], point: moved[i]! };
  };
  const [up, down] = [at(step), at(-step)];
  return (up.value - down.value) / (up.point - down.point);
}

test.each([recipe, transcoder])('gradients of the main loss agree with finite differences', (of) => {
  let worst = 0;
  for (const seed of [1, 2, 3]) {
    const tensors = weights(seed, of);
    const x = gaussians(tokens * d_in, seed, 'x');
    const { gradients } = lossOf(tensors, x, []);
    for (const [name, tensor] of Object.entries(tensors)) {
      for (let i = 0; i < tensor.length; i++) {
        const expected = slopeOf('mse', tensors, x, name, i);
        worst = Math.max(worst, Math.abs(gradients[name]![i]! - expected));
        expect(gradients[name]![i], `${name}[${i}]`).toBeCloseTo(expected, 8);
      }
    }
  }
  console.info(`largest difference ${worst.toExponential(1)}`);
});

test('gradients of AuxK agree with finite differences, the residual held still', () => {
  // What AuxK adds to the gradient, beyond alpha, is the slope of its loss as long as the residual stays the same.
  // Weights that only AuxK touches move the residual not at all: the dead latents outside every top k.
  const tensors = weights(9);
  for (const j of dead) tensors.b_enc![j]! -= 1.5;
  for (let i = 0; i < d_in; i++) for (const j of dead) tensors.W_enc[i * dSae + j]! *= 2;
  const x = gaussians(tokens * d_in, 'aux');
  const off = lossOf(tensors, x, []);
  const on = lossOf(tensors, x, dead);
  expect(on.auxLoss).toBeGreaterThan(0);
  expect(off.auxLoss).toBe(0);
  expect(on.mse).toBe(off.mse);
  const untouched = dead.filter((j) => off.fired[j] === 0);
  expect(untouched.length).toBeGreaterThan(0);
  let compared = 0;
  const check = (name: 'W_enc' | 'W_dec' | 'b_enc', i: number): void => {
    const found = on.gradients[name]![i]! - off.gradients[name]![i]!;
    expect(found, `${name}[${i}]`).toBeCloseTo(recipe.alphaAux * slopeOf('auxLoss', tensors, x, name, i), 3);
    if (found !== 0) compared += 1;
  };
  for (const j of untouched) {
    check('b_enc', j);
    for (let i = 0; i < d_in; i++) {
      check('W_enc', i * dSae + j);
      check('W_dec', j * d_in + i);
    }
  }
  expect(compared).toBeGreaterThan(untouched.length);
  // The residual is a constant to AuxK: latents that are not dead feel nothing of it.
  for (let j = 0; j < dSae; j++) {
    if (!dead.includes(j)) expect(on.gradients.b_enc![j]).toBe(off.gradients.b_enc![j]);
  }
});

test('one dead latent fewer than kAux, and AuxK is off', () => {
  const tensors = weights(4);
  const x = gaussians(tokens * d_in, 'few');
  const none = lossOf(tensors, x, []);
  expect(lossOf(tensors, x, dead.slice(0, 3))).toEqual(none);
  expect(lossOf(tensors, x, dead.slice(0, 4)).auxLoss).toBeGreaterThan(0);
});
