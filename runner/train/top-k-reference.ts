/** The slow reference of architectures that keep the k largest pre-activations: reconstruction and AuxK. */
import { largest, preActivations } from '../sae/reference.ts';
import type { RecipeWith } from './architectures/architecture.ts';
import { type auxKSettings, leastDead } from './aux-k.ts';
import { lossWeight } from './common-settings.ts';
import type { LossAndGradients, ReferenceStep } from './reference-step.ts';
import { addSkip, addSkipGradient } from './skip-reference.ts';
import { mapParameters } from './state.ts';

type AuxKRecipe = RecipeWith<typeof auxKSettings>;

interface Active {
  j: number;
  z: number;
}

/**
 * The residual that AuxK models is a constant to it.
 *
 * @param select of the pre-activations of each token the latents that are kept
 * @param groups latents of each group whose prefixes are reconstructed
 */
export function topKReference(
  { recipe, d_in, parameters, x, y, dead: candidates }: ReferenceStep<AuxKRecipe>,
  select: (pres: readonly Float64Array[]) => number[][],
  groups: readonly number[],
): LossAndGradients {
  const { dSae: d_sae, alphaAux, applyBDecToInput } = recipe;
  const { W_enc, W_dec, b_dec, W_skip } = parameters;
  const tensors = { W_enc, b_enc: parameters.b_enc!, b_dec };
  const tokens = x.length / d_in;
  const rows = Array.from({ length: tokens }, (_, t) => x.subarray(t * d_in, (t + 1) * d_in));
  const pres = rows.map((row) => preActivations(tensors, { d_in, d_sae }, row, applyBDecToInput));
  const gradients = mapParameters(parameters, ({ length }) => new Float64Array(length));
  const weight = lossWeight({ ...recipe, batchTokens: tokens }, d_in);

  /** Adds what d loss / d x̂ = slope costs the latents of one token. */
  function backward(row: Float32Array, active: readonly Active[], slope: Float64Array): void {
    for (const { j, z } of active) {
      let dz = 0;
      for (let i = 0; i < d_in; i++) {
        gradients.W_dec[j * d_in + i]! += z * slope[i]!;
        dz += slope[i]! * W_dec[j * d_in + i]!;
      }
      gradients.b_enc![j]! += dz;
      for (let i = 0; i < d_in; i++) {
        gradients.W_enc[i * d_sae + j]! += dz * (row[i]! - (applyBDecToInput ? b_dec[i]! : 0));
        if (applyBDecToInput) gradients.b_dec[i]! -= dz * W_enc[i * d_sae + j]!;
      }
    }
  }

  function addRows(sum: Float64Array, active: readonly Active[]): void {
    for (const { j, z } of active) {
      for (let i = 0; i < d_in; i++) sum[i]! += z * W_dec[j * d_in + i]!;
    }
  }

  const kept = select(pres);
  const fired = new Uint8Array(d_sae);
  for (const each of kept) for (const j of each) fired[j] = 1;
  let errorSquares = 0;
  let nestedSquares = 0;
  let activeLatents = 0;
  let leastActive: number | null = null;
  const errors = rows.map((row, t) => {
    // Only positive pre pass relu, with derivative 1; at 0 the derivative is 0.
    const active = kept[t]!.filter((j) => pres[t]![j]! > 0).map((j) => ({ j, z: pres[t]![j]! }));
    activeLatents += active.length;
    for (const { z } of active) leastActive = Math.min(leastActive ?? z, z);
    const error = Float64Array.from(row, (_, i) => b_dec[i]! - y[t * d_in + i]!);
    addSkip(error, W_skip, row);
    let from = 0;
    for (const size of groups) {
      addRows(
        error,
        active.filter(({ j }) => j >= from && j < from + size),
      );
      from += size;
      for (const value of error) nestedSquares += value ** 2 / groups.length;
      const slope = error.map((value) => (2 * weight * value) / groups.length);
      slope.forEach((value, i) => {
        gradients.b_dec[i]! += value;
      });
      addSkipGradient(gradients.W_skip, slope, row);
      backward(
        row,
        active.filter(({ j }) => j < from),
        slope,
      );
    }
    for (const value of error) errorSquares += value ** 2;
    return error;
  });

  let auxLoss = 0;
  const dead = Array.from(candidates).filter((j) => recipe.deadCounting === 'before-step' || fired[j] === 0);
  if (dead.length >= leastDead(recipe)) {
    const auxWeight = weightOfAux(recipe, weight, dead.length, errors);
    rows.forEach((row, t) => {
      const preDead = dead.map((j) => pres[t]![j]!);
      const auxiliary = largest(preDead, Math.min(recipe.kAux, dead.length))
        .filter((slot) => preDead[slot]! > 0)
        .map((slot) => ({ j: dead[slot]!, z: preDead[slot]! }));
      const difference = Float64Array.from(errors[t]!);
      addRows(difference, auxiliary);
      backward(
        row,
        auxiliary,
        difference.map((value) => 2 * alphaAux * auxWeight * value),
      );
      for (const value of difference) auxLoss += auxWeight * value ** 2;
    });
  }
  return {
    mse: errorSquares / x.length,
    reconstructionLoss: nestedSquares * weight,
    auxLoss,
    sparsityLoss: 0,
    errorSquares,
    activeLatents,
    leastActive,
    fired,
    gradients,
  };
}

/** What the squared error of AuxK, summed over tokens and dimensions, is multiplied by. */
function weightOfAux(
  { auxVariant, kAux }: AuxKRecipe,
  weight: number,
  dead: number,
  errors: readonly Float64Array[],
): number {
  switch (auxVariant) {
    case 'reference':
      return weight;
    case 'scaled':
      return weight * Math.min(dead / kAux, 1);
    case 'normalised': {
      const width = errors[0]!.length;
      let variance = 0;
      for (let i = 0; i < width; i++) {
        const mean = errors.reduce((sum, error) => sum + error[i]!, 0) / errors.length;
        for (const error of errors) variance += (error[i]! - mean) ** 2;
      }
      return variance > 0 ? 1 / variance : 0;
    }
    default:
      return auxVariant satisfies never;
  }
}
