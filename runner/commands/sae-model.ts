/** The language model that an SAE reads. */
import { DEMO_MODEL } from '../demo/model-folder.ts';
import { quote, UserError } from '../errors.ts';
import { type Hook, hookName } from '../hook.ts';
import { modelShape } from '../job/shared/model-place.ts';
import { openModel, type TextModel } from '../library/open-model.ts';
import type { SaeFile } from '../sae/checkpoints/loaded.ts';
import { saeHook } from '../sae/published/hook-names.ts';
import type { SaePlace } from '../sae/published/place.ts';
import { locateModel } from './locate-model.ts';
import type { ProgressView } from './progress.ts';

/**
 * Opens it for the hook that the SAE is of: what is asked for, else what the SAE's files name.
 *
 * @throws UserError where nothing names one that can be had, or the SAE is of another width or hook
 * @throws as finding and opening the model do
 */
export async function openSaeModel(
  asked: string | undefined,
  { place, file }: { place: SaePlace; file: SaeFile },
  view: ProgressView,
): Promise<{ name: string; hook: Hook; model: TextModel }> {
  const { ofModule, ...hook } = saeHook(place.name, file.details, place.hook);
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
  const shape = await modelShape(model);
  const width = hook.layer < shape.blocks ? shape.widthAt({ ...hook, ofModule }) : null;
  if (width === file.sae.d_in) return { name, hook, model: await openModel(model.folder, { hooks: [hook] }) };
  throw new UserError({
    thing: `language model ${quote(name)}`,
    found: width === null ? `${shape.blocks} blocks` : `width ${width} at ${hookName(hook)}`,
    expected: `width ${file.sae.d_in} at ${hookName(hook)}, which the SAE reads`,
    next: 'Name the SAE’s own model with --model.',
  });
}
