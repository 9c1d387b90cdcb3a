import { join } from 'node:path';
import type { CorpusSettings } from '../../config/sections.ts';
import { UserError } from '../../errors.ts';
import { openCheckpoint } from '../../lm/checkpoint.ts';
import { familyOf } from '../../lm/families/index.ts';
import { checkHooks } from '../../lm/hook.ts';
import { CONFIG_FILE, isSynthetic, readConfig, syntheticFiles } from '../../synthetic/layout.ts';

/** Where a run's model lies, and the commit of its repository when it came from one. */
export interface ModelPlace {
  folder: string;
  revision: string | null;
}

/** The corpus of a synthetic model, which reads no text. */
export const SAMPLES = 'samples';

/** Width and depth, from the model's configuration alone. */
export async function modelShape({
  folder,
}: ModelPlace): Promise<{ dModel: number; blocks: number; onlyHook?: number }> {
  if (isSynthetic(folder))
    return { dModel: (await readConfig(join(folder, CONFIG_FILE))).hidden_dim, blocks: 1, onlyHook: 0 };
  return familyOf(await openCheckpoint(folder));
}

/** Names of the files that its results follow from. */
export async function modelFiles({ folder }: ModelPlace): Promise<string[]> {
  if (isSynthetic(folder)) return syntheticFiles(folder);
  return ['config.json', 'tokenizer.json', ...(await openCheckpoint(folder)).files];
}

/** @throws UserError for layers that the model has not */
export async function checkLayers(place: ModelPlace, layers: readonly number[]): Promise<void> {
  checkHooks(layers, (await modelShape(place)).blocks);
}

/** Width of the residual stream, from the model's configuration alone. */
export async function residualWidth(place: ModelPlace): Promise<number> {
  return (await modelShape(place)).dModel;
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
