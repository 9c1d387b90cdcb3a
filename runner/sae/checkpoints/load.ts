/** One SAE from a path, whatever its format: recognised, read, brought into the canonical form. */
import { readdir } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { UserError } from '../../errors.ts';
import { detectFormat } from './detect.ts';
import { openDictionaryLearning } from './dictionary-learning.ts';
import { openGemmaScope } from './gemma-scope.ts';
import { openGemmaScope2 } from './gemma-scope-2.ts';
import { openLlamaScope } from './llama-scope.ts';
import { type LoadedSae, loadedFrom, type SaeFile } from './loaded.ts';
import { openOpenAi } from './openai.ts';
import { openQwenScope } from './qwen-scope.ts';
import { openRelease, releaseFiles, releaseId } from './reference-release.ts';
import { openSaeLens } from './sae-lens.ts';
import { openSparsify } from './sparsify.ts';

/** What some formats do not have in their files. */
export interface LoadOptions {
  /** SAELens: the scalar of expected_average_only_in. */
  normScale?: number;
  /** SAELens: keys of its config to read otherwise. */
  overrides?: Readonly<Record<string, unknown>>;
  /** OpenAI: whether inputs are layer-normalised; default as its own loader decides. */
  normalize?: boolean;
  /** Qwen-Scope: latents a token. */
  k?: number;
  /** Reference release: which of the folder's layers; not needed where there is one. */
  layer?: number;
}

/**
 * All of an SAE in memory.
 *
 * @param path a folder of one SAE, a `.pt` file, or the tensors of one in a release’s folder
 * @throws UserError for an unknown format, or when an option is missing that its files do not answer
 * @throws UnavailableError @throws MalformedError
 */
export function loadSae(path: string, options: LoadOptions = {}): Promise<LoadedSae> {
  return loadedFrom(openSaeFile(path, options));
}

/**
 * An SAE with its large matrices left in the file: opening reads headers and vectors, whatever the file's size.
 * Close it when it is done with.
 *
 * @param path a folder of one SAE, a `.pt` file, or the tensors of one in a release’s folder
 * @throws as `loadSae`
 */
export async function openSaeFile(path: string, options: LoadOptions = {}): Promise<SaeFile> {
  const format = await detectFormat(path);
  const asked = <T>(value: T | undefined, option: string, expected: string): T => {
    if (value !== undefined) return value;
    const next = `Give ${option} (after its name: #${option}=…): the files of ${format} do not say it.`;
    throw new UserError({ thing: path, found: `no ${option}`, expected, next });
  };
  const { normScale, overrides, normalize } = options;
  if (overrides !== undefined && format !== 'sae-lens') {
    throw new UserError({
      thing: path,
      found: `overrides of its config, in the format ${format}`,
      expected: 'them for SAELens’ configs only',
      next: 'Leave them out.',
    });
  }
  switch (format) {
    case 'sae-lens':
      return openSaeLens(path, {
        ...(normScale === undefined ? {} : { normScale }),
        ...(overrides === undefined ? {} : { overrides }),
      });
    case 'dictionary-learning':
      return openDictionaryLearning(path);
    case 'sparsify':
      return openSparsify(path);
    case 'gemma-scope':
      return openGemmaScope(path);
    case 'gemma-scope-2':
      return openGemmaScope2(path);
    case 'llama-scope':
      return openLlamaScope(path);
    case 'openai':
      return openOpenAi(path, normalize === undefined ? {} : { normalize });
    case 'qwen-scope':
      return openQwenScope(path, {
        k: asked(options.k, 'k', 'the number after L0_ in the repository’s name'),
      });
    case 'reference-release': {
      const named = releaseId(basename(path));
      if (named !== null) return openRelease(dirname(path), named);
      const ids = await releaseIds(path);
      const fitting = ids.filter((id) => options.layer === undefined || layerOf(id) === options.layer);
      const [only] = fitting;
      if (only !== undefined && fitting.length === 1) return openRelease(path, only);
      const layers = [...new Set(ids.map(layerOf))];
      const several = layers.length < ids.length && options.layer !== undefined && fitting.length > 1;
      throw new UserError({
        thing: path,
        found: several ? `${fitting.length} SAEs of layer ${options.layer}` : 'no layer',
        expected: several ? `one of ${fitting.join(', ')}` : `one of ${layers.join(', ')}`,
        next: several
          ? `Point at the file itself: ${releaseFiles(only ?? '').tensors}.`
          : 'Say which one: #layer=N after its name.',
      });
    }
  }
}

/** Names of a folder's SAEs, by layer. */
async function releaseIds(folder: string): Promise<string[]> {
  const ids = (await readdir(folder)).map(releaseId).filter((id) => id !== null);
  return ids.sort((a, b) => layerOf(a) - layerOf(b) || (a < b ? -1 : 1));
}

function layerOf(id: string): number {
  return Number.parseInt(id.slice(1), 10);
}
