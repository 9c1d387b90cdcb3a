/** A crosscoder among the SAEs of others: where its one code reads and writes, and that its models read the same tokens. */
import { basename } from 'node:path';
import { quote, UserError } from '../../errors.ts';
import type { CrosscoderPlace } from '../../evaluation/replaced-places.ts';
import { compareHooks, type Hook, hookName, hookOf, placeName } from '../../hook.ts';
import type { HashFiles } from '../../io/hash.ts';
import type { LoadOptions } from '../../sae/checkpoints/adapter.ts';
import type { CrosscoderFile } from '../../sae/checkpoints/crosscoder.ts';
import type { SaeDetails, SaeFormat } from '../../sae/checkpoints/loaded.ts';
import { saeHook } from '../../sae/published/hook-names.ts';
import type { SaePlace } from '../../sae/published/place.ts';
import { loadTokenizer } from '../../text/tokenizer.ts';
import type { ModelPlace, ModelShape } from './model-place.ts';

/** It stands at its last place. */
export interface EvaluableCrosscoder extends Hook {
  d_sae: number;
  /** In the order of its tensors; of model 0, the run's, and of model 1, the other. */
  places: CrosscoderPlace[];
  place: SaePlace;
  format: SaeFormat;
  details: SaeDetails;
  files: { name: string; bytes: number; sha256: string }[];
  conversions: string[];
  otherHook: null;
}

/** A second model of a run: that of the second place of a crosscoder. */
export interface OtherModel extends ModelPlace {
  /** As records name it. */
  id: string;
  /** Hash over the hashes of its files. */
  sha256: string;
}

/**
 * @param other what the second model is like; null where the run has none
 * @throws UserError for places that the models do not have, and where the second model is missing or one too many
 */
export async function evaluableCrosscoder(
  place: SaePlace,
  open: (path: string, options: LoadOptions) => Promise<CrosscoderFile>,
  models: { own: ModelShape; other: ModelShape | null },
  hash: HashFiles,
): Promise<EvaluableCrosscoder> {
  const thing = `crosscoder ${quote(place.name)}`;
  const { own, other } = models;
  const file = await open(place.path, place.options);
  await file.close();
  if (own.onlyHook !== undefined) {
    throw new UserError({
      thing,
      found: 'a synthetic model',
      expected: 'a language model: a crosscoder is of several places of one or two',
      next: 'Give its own model with --model.',
    });
  }
  const hooks = place.options.hooks ?? [hookIn(place, file.details)];
  const places = placesOf(thing, hooks.map(hookOf), file.places, other, file.details);
  for (const { model, hook } of places) {
    const shape = model === 0 ? own : other!;
    const width = hook.layer < shape.blocks ? shape.widthAt({ ...hook, ofModule: false }) : null;
    if (width === file.d) continue;
    throw new UserError({
      thing,
      found: `a place at ${hookName(hook)} of width ${file.d}`,
      expected: `a block below ${shape.blocks}${width === null ? '' : ` and width ${width}`}, as the ${model === 0 ? '' : 'other '}language model has`,
      next: `Give its own models with --model${other === null ? '' : ' and --other-model'}.`,
    });
  }
  const hashed = await hash(file.files);
  return {
    ...places.at(-1)!.hook,
    d_sae: file.sae.d_sae,
    places,
    place,
    format: file.format,
    details: file.details,
    files: file.files.map((path, index) => ({ name: basename(path), ...hashed[index]! })),
    conversions: [...place.conversions, ...file.conversions],
    otherHook: null,
  };
}

/** @throws UserError where nothing says it, or it is of a transcoder */
function hookIn(place: SaePlace, details: SaeDetails): Hook {
  const { asked } = place.hook;
  if (typeof asked !== 'object' || asked.reads === undefined) return saeHook(place.name, details, place.hook);
  throw new UserError({
    thing: `crosscoder ${quote(place.name)}`,
    found: placeName(asked),
    expected: 'one hook, which its code reads and writes',
    next: 'Say the hook of all its places, #hook=resid_post:4, or each: #hooks=resid_post:4+resid_post:8.',
  });
}

/** As many hooks as places are of one model; one hook of two places is of two. @throws UserError */
function placesOf(
  thing: string,
  hooks: readonly Hook[],
  count: number,
  other: ModelShape | null,
  { model_name }: SaeDetails,
): CrosscoderPlace[] {
  const several = hooks.length === count;
  const twice = hooks.find((hook, i) => hooks.findIndex((each) => compareHooks(each, hook) === 0) < i);
  if (twice !== undefined) {
    throw new UserError({
      thing,
      found: `${hookName(twice)} twice`,
      expected: 'each hook once',
      next: 'Name the hooks in the order of its tensors.',
    });
  }
  if (!several && (hooks.length > 1 || count > 2)) {
    throw new UserError({
      thing,
      found: `${count} places and ${hooks.length === 1 ? 'one hook' : `${hooks.length} hooks`}`,
      expected: `${count} hooks of one model${count === 2 ? ', or one of two models' : ''}`,
      next: 'Name the hooks in the order of its tensors: #hooks=resid_post:4+resid_post:8.',
    });
  }
  if (several && other !== null) {
    throw new UserError({
      thing,
      found: '--other-model',
      expected: 'none: its places are hooks of one model',
      next: 'Leave --other-model out, or name one hook with #hook.',
    });
  }
  if (several) return hooks.map((hook) => ({ model: 0, hook }));
  if (other !== null) return [0, 1].map((model) => ({ model, hook: hooks[0]! }));
  throw new UserError({
    thing,
    found: 'two places at one hook, and no second model',
    expected: 'the models of both: --model is that of the first place, --other-model of the second',
    next: `Name the second with --other-model${model_name === null ? '' : ` (its files name ${quote(model_name)})`}, or the hooks of one model with #hooks=resid_post:4+resid_post:8.`,
  });
}

/** @throws UserError where a second model is named and no SAE has a place in it */
export function checkOther(
  published: readonly { places?: readonly CrosscoderPlace[] }[],
  otherModel: string | null,
): void {
  if (otherModel === null || published.some(({ places }) => places?.some(({ model }) => model === 1))) return;
  throw new UserError({
    thing: '--other-model',
    found: `${quote(otherModel)} beside SAEs of one model`,
    expected: 'a crosscoder of two models',
    next: 'Leave --other-model out; --transfer measures SAEs on a second model.',
  });
}

/** Words, numbers and signs of several scripts, which tokenizers cut in different ways. */
const SAMPLE =
  'The 1,234 quick-brown foxes didn’t jump: über naïve cafés, Москва 東京 नमस्ते 🦊\n\tfor (let i = 0; i < 10; i++) { x[i] += 3.14e-2; }';

/** @throws UserError where two models cut text in different ways */
export async function checkSameTokens(own: ModelPlace, other: OtherModel): Promise<void> {
  const [ids, others] = await Promise.all(
    [own, other].map(async ({ folder }) =>
      (await loadTokenizer(folder)).encode(SAMPLE, { specialTokens: false }),
    ),
  );
  if (ids!.join() !== others!.join()) throw otherTokens(other);
}

export function otherTokens({ id }: Pick<OtherModel, 'id'>): UserError {
  return new UserError({
    thing: `--other-model ${quote(id)}`,
    found: 'a tokenizer that makes other tokens of a text than that of --model',
    expected: 'models that read the same tokens: a code is of one token in both',
    next: 'Give the two models that the crosscoder was trained on.',
  });
}
