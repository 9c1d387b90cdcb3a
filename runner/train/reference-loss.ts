import { largest, preActivations } from '../sae/reference.ts';
import { type SaeTensors, type TensorName, tensorLength } from '../sae/sae.ts';
import type { Recipe } from './recipe.ts';
import { mapTensors } from './state.ts';

export type Gradients = Record<TensorName, Float64Array>;

export interface LossAndGradients {
  mse: number;
  auxLoss: number;
  errorSquares: number;
  activeLatents: number;
  fired: Uint8Array;
  /** Of mse + alphaAux · auxLoss. */
  gradients: Gradients;
}

export type LossRecipe = Pick<Recipe, 'dSae' | 'k' | 'kAux' | 'alphaAux'>;

/**
 * The recipe's loss and its gradients, slow and obvious, in float64; for tests. The residual that AuxK models is a constant to it.
 *
 * @param x [tokens, d_in]
 * @param dead AuxK is active when at least kAux latents are given
 */
export function lossAndGradients(
  recipe: LossRecipe,
  d_in: number,
  tensors: SaeTensors,
  x: Float32Array,
  dead: ArrayLike<number>,
): LossAndGradients {
  const { dSae: d_sae, k, kAux, alphaAux } = recipe;
  const shape = { d_in, d_sae };
  const tokens = x.length / d_in;
  const gradients = mapTensors((name) => new Float64Array(tensorLength(name, shape)));
  const fired = new Uint8Array(d_sae);
  let errorSquares = 0;
  let auxSquares = 0;
  let activeLatents = 0;

  /** Adds what `difference` = z·W_dec + … − target costs the tensors; `weight` is d loss / d (difference²). */
  function backward(
    row: Float32Array,
    active: readonly { j: number; z: number }[],
    difference: Float64Array,
    weight: number,
  ): void {
    for (const { j, z } of active) {
      let dz = 0;
      for (let i = 0; i < d_in; i++) {
        const slope = 2 * weight * difference[i]!;
        gradients.W_dec[j * d_in + i]! += z * slope;
        dz += slope * tensors.W_dec[j * d_in + i]!;
      }
      gradients.b_enc[j]! += dz;
      for (let i = 0; i < d_in; i++) {
        gradients.W_enc[i * d_sae + j]! += dz * (row[i]! - tensors.b_dec[i]!);
        gradients.b_dec[i]! -= dz * tensors.W_enc[i * d_sae + j]!;
      }
    }
  }

  function addRows(sum: Float64Array, active: readonly { j: number; z: number }[]): void {
    for (const { j, z } of active) {
      for (let i = 0; i < d_in; i++) sum[i]! += z * tensors.W_dec[j * d_in + i]!;
    }
  }

  for (let t = 0; t < tokens; t++) {
    const row = x.subarray(t * d_in, (t + 1) * d_in);
    const pre = preActivations(tensors, shape, row, true);
    const top = largest(pre, k);
    for (const j of top) fired[j] = 1;
    // Only positive pre pass relu, with derivative 1; at 0 the derivative is 0.
    const active = top.filter((j) => pre[j]! > 0).map((j) => ({ j, z: pre[j]! }));
    activeLatents += active.length;
    const error = Float64Array.from(row, (value, i) => tensors.b_dec[i]! - value);
    addRows(error, active);
    const weight = 1 / (tokens * d_in);
    backward(row, active, error, weight);
    for (let i = 0; i < d_in; i++) {
      gradients.b_dec[i]! += 2 * weight * error[i]!;
      errorSquares += error[i]! ** 2;
    }
    if (dead.length >= kAux) {
      const preDead = Array.from(dead, (j) => pre[j]!);
      const auxiliary = largest(preDead, kAux)
        .filter((slot) => preDead[slot]! > 0)
        .map((slot) => ({ j: dead[slot]!, z: preDead[slot]! }));
      const difference = Float64Array.from(error);
      addRows(difference, auxiliary);
      backward(row, auxiliary, difference, alphaAux * weight);
      for (const value of difference) auxSquares += value ** 2;
    }
  }
  return {
    mse: errorSquares / x.length,
    auxLoss: auxSquares / x.length,
    errorSquares,
    activeLatents,
    fired,
    gradients,
  };
}
