/** One SAE from a path, whatever its format: recognised, read, brought into the canonical form. */
import { readdir } from 'node:fs/promises';
import { UserError } from '../../errors.ts';
import { detectFormat } from './detect.ts';
import { readDictionaryLearning } from './dictionary-learning.ts';
import { readGemmaScope } from './gemma-scope.ts';
import { readGemmaScope2 } from './gemma-scope-2.ts';
import { readLlamaScope } from './llama-scope.ts';
import type { LoadedSae } from './loaded.ts';
import { readOpenAi } from './openai.ts';
import { readQwenScope } from './qwen-scope.ts';
import { readRelease } from './reference-release.ts';
import { readSaeLens } from './sae-lens.ts';
import { readSparsify } from './sparsify.ts';

/** What some formats do not have in their files. */
export interface LoadOptions {
  /** SAELens: the scalar of expected_average_only_in. */
  normScale?: number;
  /** OpenAI: whether inputs are layer-normalised. */
  normalize?: boolean;
  /** Qwen-Scope: latents a token. */
  k?: number;
  /** Reference release: which of the folder's layers; not needed where there is one. */
  layer?: number;
}

/**
 * @param path a folder of one SAE, or a `.pt` file
 * @throws UserError for an unknown format, or when an option is missing that its files do not answer
 * @throws UnavailableError @throws MalformedError
 */
export async function loadSae(path: string, options: LoadOptions = {}): Promise<LoadedSae> {
  const format = await detectFormat(path);
  const asked = <T>(value: T | undefined, option: string, expected: string): T => {
    if (value !== undefined) return value;
    const next = `Give ${option}: the files of ${format} do not say it.`;
    throw new UserError({ thing: path, found: `no ${option}`, expected, next });
  };
  switch (format) {
    case 'sae-lens':
      return readSaeLens(path, options.normScale === undefined ? {} : { normScale: options.normScale });
    case 'dictionary-learning':
      return readDictionaryLearning(path);
    case 'sparsify':
      return readSparsify(path);
    case 'gemma-scope':
      return readGemmaScope(path);
    case 'gemma-scope-2':
      return readGemmaScope2(path);
    case 'llama-scope':
      return readLlamaScope(path);
    case 'openai':
      return readOpenAi(path, { normalize: asked(options.normalize, 'normalize', 'true or false') });
    case 'qwen-scope':
      return readQwenScope(path, {
        k: asked(options.k, 'k', 'the number after L0_ in the repository’s name'),
      });
    case 'reference-release': {
      const layers = await releaseLayers(path);
      const only = layers.length === 1 ? layers[0] : undefined;
      const layer = asked(options.layer ?? only, 'layer', `one of ${layers.join(', ')}`);
      const { sae, details } = await readRelease(path, layer);
      const { model_name, hook_name } = details;
      return { format, sae, details: { model_name, hook_name }, conversions: [] };
    }
  }
}

async function releaseLayers(folder: string): Promise<number[]> {
  const found = (await readdir(folder)).map((name) => /^sae_L(\d+)_latest\.safetensors$/.exec(name)?.[1]);
  return found
    .filter((layer) => layer !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
}
