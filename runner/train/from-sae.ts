/** Training that starts from the weights of an SAE that exists: what of it is taken, and what has to fit. */
import { quote, UserError } from '../errors.ts';
import { placeName } from '../hook.ts';
import { type Sae, tensorsOf } from '../sae/sae.ts';
import { isStored, type StoredSae } from '../sae/stored-sae.ts';
import { architectureOf } from './architectures/index.ts';
import type { Recipe } from './recipe.ts';
import type { SaePlan } from './sae-trainer.ts';
import { mapParameters, type Parameters, valuesOf } from './state.ts';

/** Rows further from norm 1 than this are not taken for unit rows. */
const UNIT_TOLERANCE = 1e-3;

/**
 * Of an SAE whose matrices are still in their file only their norms are not looked at.
 *
 * @throws UserError for an SAE that cannot be trained on at the hook, or naming the settings with which it would go
 */
export function checkStart(
  { hook, d_in, recipe }: Omit<SaePlan, 'id'>,
  name: string,
  sae: Sae | StoredSae,
): void {
  const unfit = whyUnfit(sae);
  if (sae.d_in !== d_in || (sae.d_out !== undefined) !== (hook.reads !== undefined) || unfit !== null) {
    throw new UserError({
      thing: `SAE ${quote(name)}, which training starts from`,
      found: unfit ?? `${sae.d_out === undefined ? 'an SAE' : 'a transcoder'} of width ${sae.d_in}`,
      expected:
        unfit === null
          ? `${hook.reads === undefined ? 'an SAE' : 'a transcoder'} of width ${d_in}, as ${placeName(hook)} has`
          : 'one that a recipe of this program trains on',
      next: 'Start from another SAE, or from none.',
    });
  }
  const asked = Object.entries(needed(recipe, sae));
  if (asked.length === 0) return;
  throw new UserError({
    thing: `recipe of an SAE that starts from ${quote(name)}`,
    found: 'settings that do not fit its weights',
    expected: asked.map(([setting, value]) => `${setting} ${value}`).join(', '),
    next: `Add ${asked.map(([setting, value]) => `--set ${setting}=${value}`).join(' ')}.`,
  });
}

/**
 * The SAE's tensors as the recipe trains them. One of another architecture gives what both have: of a TopK SAE that is
 * trained on as JumpReLU, thresholds start where the recipe says.
 *
 * @throws UserError as `checkStart`
 */
export function parametersFrom(plan: Omit<SaePlan, 'id'>, name: string, sae: Sae): Parameters {
  checkStart(plan, name, sae);
  const { recipe, d_in } = plan;
  const found = new Map(tensorsOf(sae).map((tensor) => [tensor.name, tensor]));
  const architecture = architectureOf(recipe);
  const own = architecture.initialise(recipe);
  return mapParameters(architecture.parameters(recipe, d_in), (shape, tensor) => {
    const data = found.get(tensor)?.data ?? own[tensor];
    if (data?.length !== valuesOf(shape)) throw new RangeError(`${name}: no ${tensor} [${shape}]`);
    return data.slice();
  });
}

/** Why no recipe trains it on. */
function whyUnfit(sae: Sae | StoredSae): string | null {
  if (sae.context !== undefined) return 'a temporal one';
  if (sae.architecture === 'matching_pursuit') return 'one that encodes by matching pursuit';
  if (sae.architecture === 'topk' && sae.rescale_acts_by_decoder_norm)
    return 'one that selects latents by their decoder norms';
  return sae.W_skip !== undefined && sae.d_out !== undefined && sae.d_out !== sae.d_in
    ? `one of widths ${sae.d_in} and ${sae.d_out}`
    : null;
}

/** Settings that the weights ask for and that are others in the recipe. */
function needed(recipe: Recipe, sae: Sae | StoredSae): Record<string, string> {
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
  if (recipe.unitNormDecoder && !isStored(sae) && !hasUnitRows(sae)) changes['sae.unitNormDecoder'] = 'false';
  // A gated SAE has no b_enc, and no other has gates.
  if ((sae.architecture === 'gated') !== (recipe.architecture === 'gated'))
    changes['sae.architecture'] = sae.architecture;
  return changes;
}

function hasUnitRows({ W_dec, d_sae }: Sae): boolean {
  const width = W_dec.length / d_sae;
  for (let j = 0; j < d_sae; j++) {
    if (Math.abs(rowNorm(W_dec, j, width) - 1) > UNIT_TOLERANCE) return false;
  }
  return true;
}

/** Of row j of W_dec [n, width]. */
export function rowNorm(W_dec: Float32Array, j: number, width: number): number {
  let square = 0;
  for (let i = j * width; i < (j + 1) * width; i++) square += W_dec[i]! ** 2;
  return Math.sqrt(square);
}
