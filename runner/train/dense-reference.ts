/** Pieces of the slow reference for architectures whose latents are not a fixed number per token: float64, all of them. */
import { preActivations } from '../sae/reference.ts';
import { type CommonRecipe, lossWeight } from './common-settings.ts';
import type { Gradients, LossAndGradients, ReferenceStep } from './reference-step.ts';
import { addSkip, addSkipGradient } from './skip-reference.ts';
import { mapParameters } from './state.ts';

export interface DenseReference {
  rows: readonly Float32Array[];
  gradients: Gradients;
  /** (x − b_dec, if subtracted)·W_enc + bias of each token [n]. */
  encode(bias: Float32Array): Float64Array[];
  /** x̂ − y of each token [d]. */
  errors(z: readonly Float64Array[]): Float64Array[];
  /** What d loss / d x̂ = factor·error costs: to W_dec and b_dec, unless they are held still, and to z. */
  throughDecoder(
    z: readonly Float64Array[],
    errors: readonly Float64Array[],
    factor: number,
    held?: boolean,
  ): Float64Array[];
  /** What d loss / d (centred·W_enc) costs: to W_enc and b_dec. */
  throughEncoder(slopes: readonly Float64Array[]): void;
  /** What the step reports of these latents and errors, with the gradients. */
  report(
    z: readonly Float64Array[],
    errors: readonly Float64Array[],
    losses: { auxLoss: number; sparsityLoss: number },
  ): LossAndGradients;
}

export function denseReference({
  recipe,
  d_in,
  parameters,
  x,
  y,
}: ReferenceStep<CommonRecipe>): DenseReference {
  const { dSae: n, applyBDecToInput } = recipe;
  const { W_enc, W_dec, b_dec, W_skip } = parameters;
  const tokens = x.length / d_in;
  const rows = Array.from({ length: tokens }, (_, t) => x.subarray(t * d_in, (t + 1) * d_in));
  const gradients = mapParameters(parameters, ({ length }) => new Float64Array(length));

  return {
    rows,
    gradients,
    encode: (b_enc) =>
      rows.map((row) => preActivations({ W_enc, b_enc, b_dec }, { d_in, d_sae: n }, row, applyBDecToInput)),
    errors: (z) =>
      rows.map((row, t) => {
        const error = Float64Array.from(row, (_, i) =>
          z[t]!.reduce((sum, each, j) => sum + each * W_dec[j * d_in + i]!, b_dec[i]! - y[t * d_in + i]!),
        );
        addSkip(error, W_skip, row);
        return error;
      }),
    throughDecoder: (z, errors, factor, held = false) =>
      errors.map((error, t) => {
        const slope = error.map((value) => factor * value);
        if (!held) {
          for (let i = 0; i < d_in; i++) gradients.b_dec[i]! += slope[i]!;
          addSkipGradient(gradients.W_skip, slope, rows[t]!);
          for (let j = 0; j < n; j++)
            for (let i = 0; i < d_in; i++) gradients.W_dec[j * d_in + i]! += z[t]![j]! * slope[i]!;
        }
        return Float64Array.from({ length: n }, (_, j) =>
          slope.reduce((sum, each, i) => sum + each * W_dec[j * d_in + i]!, 0),
        );
      }),
    throughEncoder(slopes) {
      for (const [t, slope] of slopes.entries()) {
        for (let i = 0; i < d_in; i++) {
          const centred = rows[t]![i]! - (applyBDecToInput ? b_dec[i]! : 0);
          for (let j = 0; j < n; j++) {
            gradients.W_enc[i * n + j]! += centred * slope[j]!;
            if (applyBDecToInput) gradients.b_dec[i]! -= slope[j]! * W_enc[i * n + j]!;
          }
        }
      }
    },
    report(z, errors, losses) {
      const errorSquares = errors.reduce((sum, error) => sum + squares(error), 0);
      const fired = new Uint8Array(n);
      let activeLatents = 0;
      for (const row of z) {
        for (let j = 0; j < n; j++) {
          if (row[j]! <= 0) continue;
          fired[j] = 1;
          activeLatents += 1;
        }
      }
      return {
        mse: errorSquares / x.length,
        reconstructionLoss: errorSquares * lossWeight(recipe, d_in),
        ...losses,
        errorSquares,
        activeLatents,
        leastActive: null,
        fired,
        gradients,
      };
    },
  };
}

export function squares(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value * value, 0);
}
