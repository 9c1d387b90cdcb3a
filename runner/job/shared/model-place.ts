import { join } from 'node:path';
import type { CorpusSettings } from '../../config/sections.ts';
import { UserError } from '../../errors.ts';
import {
  checkHooks,
  type Hook,
  hookLabel,
  hookName,
  hookOf,
  hooksOfPlace,
  type Place,
  placeName,
} from '../../hook.ts';
import { openCheckpoint } from '../../lm/checkpoint.ts';
import type { Family } from '../../lm/families/family.ts';
import { familyOf } from '../../lm/families/index.ts';
import { widthsAt } from '../../lm/segments.ts';
import type { NamedHook } from '../../sae/published/hook-names.ts';
import { CONFIG_FILE, isSynthetic, readConfig, syntheticFiles } from '../../synthetic/layout.ts';

/** Where a run's model lies, and the commit of its repository when it came from one. */
export interface ModelPlace {
  folder: string;
  revision: string | null;
}

/** The corpus of a synthetic model, which reads no text. */
const SAMPLES = 'samples';

export interface ModelShape {
  dModel: number;
  blocks: number;
  /** Of a synthetic model, which has no other. */
  onlyHook?: number;
  /**
   * Numbers of a token at a hook.
   *
   * @throws UserError for a hook that its blocks do not have
   */
  widthAt(hook: NamedHook): number;
}

/** Width and depth, from the model's configuration alone. */
export async function modelShape({ folder }: ModelPlace): Promise<ModelShape> {
  if (isSynthetic(folder)) {
    const dModel = (await readConfig(join(folder, CONFIG_FILE))).hidden_dim;
    return { dModel, blocks: 1, onlyHook: 0, widthAt: () => dModel };
  }
  return shapeOf(familyOf(await openCheckpoint(folder)));
}

export function shapeOf(family: Family): ModelShape {
  return {
    dModel: family.dModel,
    blocks: family.blocks,
    widthAt(hook) {
      if (hook.ofModule && family.block(hook.layer).normsWhatIsAdded) throw behindNorm(hook, family.name);
      return widthsAt(family, hook).value;
    },
  };
}

/** The error for a module's output where a norm stands behind it: it is no hook here. */
function behindNorm(hook: NamedHook, family: string): UserError {
  return new UserError({
    thing: `SAE of ${hookName(hook)}`,
    found: `the output of a module, behind which ${family} has a norm`,
    expected: 'what is added to the residual stream',
    next: 'If it was trained on what the norm gives, say so: append #hook=SITE:N to its name.',
  });
}

/** Names of the files that its results follow from. */
export async function modelFiles({ folder }: ModelPlace): Promise<string[]> {
  if (isSynthetic(folder)) return syntheticFiles(folder);
  return ['config.json', 'tokenizer.json', ...(await openCheckpoint(folder)).files];
}

/** @throws UserError for hooks that the model has not, and for a transcoder between hooks of two widths */
export async function checkHooksOf(place: ModelPlace, places: readonly Place[]): Promise<void> {
  const { blocks, onlyHook, widthAt } = await modelShape(place);
  const hooks = places.flatMap(hooksOfPlace);
  checkHooks(hooks, blocks);
  for (const hook of hooks) {
    widthAt({ ...hook, ofModule: false });
    if (onlyHook === undefined || hook.site === 'resid_post') continue;
    throw new UserError({
      thing: `hook ${hookName(hook)}`,
      found: 'a synthetic model, which has no blocks',
      expected: hookName(hookOf(onlyHook)),
      next: 'Choose --layers 0.',
    });
  }
  for (const each of places) {
    const [first, second = first] = hooksOfPlace(each).map((hook) => widthAt({ ...hook, ofModule: false }));
    if (first === second) continue;
    throw new UserError({
      thing: `transcoder ${placeName(each)}`,
      found: `hooks of ${first} and ${second} numbers a token`,
      expected: 'two of one width, as it is trained here',
      next: 'Choose another hook.',
    });
  }
}

/** Numbers of a token at each of some hooks, by their labels. */
export async function widthsOf(place: ModelPlace, hooks: readonly Hook[]): Promise<Map<string, number>> {
  return widthsIn(await modelShape(place), hooks);
}

export function widthsIn({ widthAt }: ModelShape, hooks: readonly Hook[]): Map<string, number> {
  return new Map(hooks.map((hook) => [hookLabel(hook), widthAt({ ...hook, ofModule: false })]));
}

/** @throws UserError where a synthetic model is to read text, or a language model none */
export function checkSource({ folder }: ModelPlace, { source }: Pick<CorpusSettings, 'source'>): void {
  const synthetic = isSynthetic(folder);
  if (synthetic === (source === SAMPLES)) return;
  throw new UserError({
    thing: 'setting corpus.source',
    found: `${typeof source === 'string' ? source : 'data files'} for a ${synthetic ? 'synthetic' : 'language'} model`,
    expected: synthetic ? SAMPLES : `text: ${SAMPLES} are a synthetic model’s`,
    next: synthetic
      ? 'Use the preset synthetic-small, or --set corpus.source=samples.'
      : 'Name another corpus, or a synthetic model with --model.',
  });
}
