/** The language model that an SAE reads. */
import { DEMO_MODEL } from '../demo/model-folder.ts';
import { quote, UserError } from '../errors.ts';
import { modelShape } from '../job/shared/model-place.ts';
import { openModel, type TextModel } from '../library/open-model.ts';
import type { SaeFile } from '../sae/checkpoints/loaded.ts';
import { saeLayer } from '../sae/published/hook-layer.ts';
import type { SaePlace } from '../sae/published/place.ts';
import { locateModel } from './locate-model.ts';
import type { ProgressView } from './progress.ts';

/**
 * Opens it for the block that the SAE is of: the one that is asked for, else the one that the SAE's files name.
 *
 * @throws UserError where nothing names one that can be had, or the SAE is of another width or hook
 * @throws as finding and opening the model do
 */
export async function openSaeModel(
  asked: string | undefined,
  { place, file }: { place: SaePlace; file: SaeFile },
  view: ProgressView,
): Promise<{ name: string; layer: number; model: TextModel }> {
  const layer = saeLayer(place.name, file.details, place.layer);
  const named = file.details.model_name;
  const name = asked ?? named;
  // What a file calls its model is a repository, never a path of this machine.
  const reference = asked ?? (/^[\w.-]+\/[\w.-]+$/.test(named ?? '') ? `hf://${named}` : null);
  if (name === null || (reference === null && name !== DEMO_MODEL)) {
    throw new UserError({
      thing: `language model of ${quote(place.name)}`,
      found: named === null ? 'none that its files name' : `${quote(named)} in its files`,
      expected: `owner/name on the hub, a folder, or ${DEMO_MODEL}, the embedded one`,
      next: 'Name it with --model.',
    });
  }
  const model = await locateModel(name === DEMO_MODEL ? null : reference, view);
  const { dModel } = await modelShape(model);
  if (dModel === file.sae.d_in)
    return { name, layer, model: await openModel(model.folder, { layers: [layer] }) };
  throw new UserError({
    thing: `language model ${quote(name)}`,
    found: `width ${dModel}`,
    expected: `width ${file.sae.d_in}, which the SAE reads`,
    next: 'Name the SAE’s own model with --model.',
  });
}
