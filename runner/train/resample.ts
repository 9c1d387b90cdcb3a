/** Dead latents of an SAE that training starts from, made anew before the first step. */
import type { Random } from '../math/random.ts';
import { architectureOf } from './architectures/index.ts';
import { rowNorm } from './from-sae.ts';
import type { SaePlan } from './sae-trainer.ts';
import type { Parameters } from './state.ts';

/** An encoder row made anew is so long, measured by the others (Bricken et al. 2023). */
const RESAMPLED_SCALE = 0.2;

/** What the SAE that training starts from made of the first activations. */
export interface FirstPass {
  /** What it reads, normalised [tokens, d], and what it reconstructs [tokens, d]: the same, but for transcoders. */
  x: Float32Array;
  y: Float32Array;
  /** Squared error of each token. */
  losses: Float64Array;
  /** Latents that fired on none of them. */
  dead: readonly number[];
}

/**
 * Makes dead latents anew, in place (Bricken et al. 2023, Towards Monosemanticity, appendix): each takes as its decoder row the direction
 * of a token, drawn in proportion to the square of the SAE's loss (its squared error) on it; its encoder row is that direction of
 * what is read, 0.2 times as long as those of the others are on average; its other values are those of a new SAE.
 * Directions are from b_dec on where it is subtracted. Of more dead latents than tokens the rest stay as they are.
 *
 * @returns how many were
 */
export function resample(
  { recipe, d_in: d }: Pick<SaePlan, 'recipe' | 'd_in'>,
  parameters: Parameters,
  { x, y, losses, dead }: FirstPass,
  stream: Random,
): number {
  const { dSae: n } = recipe;
  const { W_enc, W_dec, b_dec } = parameters;
  const silent = new Set(dead);
  const alive = Array.from({ length: n }, (_, j) => j).filter((j) => !silent.has(j));
  const encoderNorm = (j: number): number => {
    let square = 0;
    for (let i = 0; i < d; i++) square += W_enc[i * n + j]! ** 2;
    return Math.sqrt(square);
  };
  // Where all are dead there is no length to go by, and new rows have those of a unit decoder.
  const meanOf = (norm: (j: number) => number): number =>
    alive.length === 0 ? 1 : alive.reduce((sum, j) => sum + norm(j), 0) / alive.length;
  const length = RESAMPLED_SCALE * meanOf(encoderNorm);
  const row = meanOf((j) => rowNorm(W_dec, j, d));
  const tokens = drawn(losses, dead.length, stream);
  const fresh = architectureOf(recipe).initialise(recipe);
  const direction = (from: Float32Array, t: number, centre: boolean): Float64Array => {
    const found = Float64Array.from({ length: d }, (_, i) => from[t * d + i]! - (centre ? b_dec[i]! : 0));
    const norm = Math.hypot(...found) || 1;
    return found.map((value) => value / norm);
  };
  for (const [at, t] of tokens.entries()) {
    const j = dead[at]!;
    const read = direction(x, t, recipe.applyBDecToInput);
    const made = direction(y, t, recipe.applyBDecToInput || recipe.transcode !== undefined);
    for (let i = 0; i < d; i++) {
      W_enc[i * n + j] = length * read[i]!;
      W_dec[j * d + i] = row * made[i]!;
    }
    for (const [name, values] of Object.entries(fresh)) parameters[name]![j] = values[j]!;
  }
  return tokens.length;
}

/** Different tokens, each drawn in proportion to the square of its loss among those that are left. */
function drawn(losses: Float64Array, wanted: number, stream: Random): number[] {
  // The order of exponential variables over weights is that of such draws (Efraimidis and Spirakis 2006).
  const keys = Float64Array.from(losses, (loss) => -Math.log(1 - stream.next()) / loss ** 2);
  const order = Array.from(losses, (_, t) => t).filter((t) => losses[t]! > 0);
  return order.sort((a, b) => keys[a]! - keys[b]!).slice(0, wanted);
}
