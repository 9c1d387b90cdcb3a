/** Training that starts from the weights of an SAE that exists: what of it is taken, and what has to fit. */
import { quote, UserError } from '../errors.ts';
import { placeName } from '../hook.ts';
import type { Random } from '../math/random.ts';
import { type Sae, tensorsOf } from '../sae/sae.ts';
import { architectureOf } from './architectures/index.ts';
import type { Recipe } from './recipe.ts';
import type { SaePlan } from './sae-trainer.ts';
import { mapParameters, type Parameters, valuesOf } from './state.ts';

/** Rows further from norm 1 than this are not taken for unit rows. */
const UNIT_TOLERANCE = 1e-3;

/** An encoder row made anew is so long, measured by the others (Bricken et al. 2023). */
const RESAMPLED_SCALE = 0.2;

/**
 * The SAE's tensors as the recipe trains them. One of another architecture gives what both have: of a TopK SAE that is
 * trained on as JumpReLU, thresholds start where the recipe says.
 *
 * @throws UserError naming the settings with which it would go, all of them
 */
export function parametersFrom(
  { hook, d_in, recipe }: Omit<SaePlan, 'id'>,
  name: string,
  sae: Sae,
): Parameters {
  const changes = { ...needed(recipe, sae) };
  const found = new Map(tensorsOf(sae).map((tensor) => [tensor.name, tensor]));
  const gated = [sae.architecture, recipe.architecture].filter((each) => each === 'gated').length;
  if (gated === 1) changes['sae.architecture'] = sae.architecture;
  if (sae.d_in !== d_in || (sae.d_out !== undefined) !== (hook.reads !== undefined) || unfit(sae)) {
    throw new UserError({
      thing: `SAE ${quote(name)}, which training starts from`,
      found: unfit(sae) ?? `${sae.d_out === undefined ? 'an SAE' : 'a transcoder'} of width ${sae.d_in}`,
      expected: `${hook.reads === undefined ? 'an SAE' : 'a transcoder'} of width ${d_in}, as ${placeName(hook)} has`,
      next: 'Start from another SAE, or from none.',
    });
  }
  const asked = Object.entries(changes);
  if (asked.length > 0) {
    throw new UserError({
      thing: `recipe of an SAE that starts from ${quote(name)}`,
      found: 'settings that do not fit its weights',
      expected: asked.map(([setting, value]) => `${setting} ${value}`).join(', '),
      next: `Add ${asked.map(([setting, value]) => `--set ${setting}=${value}`).join(' ')}.`,
    });
  }
  const architecture = architectureOf(recipe);
  const own = architecture.initialise(recipe);
  return mapParameters(architecture.parameters(recipe, d_in), (shape, tensor) => {
    const data = found.get(tensor)?.data ?? own[tensor];
    if (data?.length !== valuesOf(shape)) throw new RangeError(`${name}: no ${tensor} [${shape}]`);
    return data.slice();
  });
}

/** Why no recipe trains it on. */
function unfit(sae: Sae): string | null {
  if (sae.architecture === 'topk' && sae.rescale_acts_by_decoder_norm)
    return 'one that selects latents by their decoder norms';
  return sae.W_skip !== undefined && sae.d_out !== undefined && sae.d_out !== sae.d_in
    ? `one of widths ${sae.d_in} and ${sae.d_out}`
    : null;
}

/** Settings that the weights ask for and that are others in the recipe. */
function needed(recipe: Recipe, sae: Sae): Record<string, string> {
  const changes: Record<string, string> = {};
  const want = (setting: string, found: unknown, wanted: unknown): void => {
    if (found !== wanted) changes[`sae.${setting}`] = String(wanted);
  };
  want('dSae', recipe.dSae, sae.d_sae);
  // Of a transcoder nothing is subtracted, whatever the setting says.
  if (recipe.transcode === undefined)
    want('applyBDecToInput', recipe.applyBDecToInput, sae.apply_b_dec_to_input);
  else want('transcode', recipe.transcode, sae.W_skip === undefined ? 'plain' : 'skip');
  want('normalisation', recipe.normalisation, sae.normalisation.kind);
  if (recipe.unitNormDecoder && !hasUnitRows(sae)) changes['sae.unitNormDecoder'] = 'false';
  return changes;
}

function hasUnitRows({ W_dec, d_sae }: Sae): boolean {
  const width = W_dec.length / d_sae;
  for (let j = 0; j < d_sae; j++) {
    if (Math.abs(rowNorm(W_dec, j, width) - 1) > UNIT_TOLERANCE) return false;
  }
  return true;
}

function rowNorm(W_dec: Float32Array, j: number, width: number): number {
  let square = 0;
  for (let i = j * width; i < (j + 1) * width; i++) square += W_dec[i]! ** 2;
  return Math.sqrt(square);
}

/** What the SAE that training starts from made of the first activations. */
export interface FirstPass {
  /** What it reads, normalised [tokens, d], and what it reconstructs [tokens, d]: the same, but for transcoders. */
  x: Float32Array;
  y: Float32Array;
  /** Squared error of each token. */
  squares: Float64Array;
  /** Latents that fired on none of them. */
  dead: readonly number[];
}

/**
 * Makes dead latents anew, in place (Bricken et al. 2023, Towards Monosemanticity, appendix): each takes the direction
 * of a token, drawn with the square of the SAE's loss on it, as its decoder row; its encoder row is that direction of
 * what is read, 0.2 times as long as those of the others are on average; its other values are those of a new SAE.
 * Directions are from b_dec on where it is subtracted. Of more dead latents than tokens the rest stay as they are.
 *
 * @returns how many were
 */
export function resample(
  { recipe, d_in: d }: Pick<SaePlan, 'recipe' | 'd_in'>,
  parameters: Parameters,
  { x, y, squares, dead }: FirstPass,
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
  const meanOf = (norm: (j: number) => number): number =>
    alive.length === 0 ? 1 : alive.reduce((sum, j) => sum + norm(j), 0) / alive.length;
  const length = RESAMPLED_SCALE * meanOf(encoderNorm);
  const row = meanOf((j) => rowNorm(W_dec, j, d));
  const tokens = drawn(squares, dead.length, stream);
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
function drawn(squares: Float64Array, wanted: number, stream: Random): number[] {
  // The order of exponential variables over weights is that of such draws (Efraimidis and Spirakis 2006).
  const keys = Float64Array.from(squares, (square) => -Math.log(1 - stream.next()) / square ** 2);
  const order = Array.from(squares, (_, t) => t).filter((t) => squares[t]! > 0);
  return order.sort((a, b) => keys[a]! - keys[b]!).slice(0, wanted);
}
