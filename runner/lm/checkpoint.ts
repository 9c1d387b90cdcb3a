import { readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { z } from 'zod';
import { MalformedError, quote, UserError } from '../errors.ts';
import type { NumberType } from '../formats/number-types.ts';
import { readSafetensors } from '../formats/safetensors.ts';
import { withFile } from '../io/byte-source.ts';

/** Larger than any config.json or shard index seen (the index of a 400-billion-parameter model is 9 MB). */
const JSON_LIMIT = 64_000_000;

/** Where one tensor lies inside the checkpoint's folder. */
export interface TensorPlace {
  /** Relative to `Checkpoint.weightsFolder`, with / between folders. */
  file: string;
  dtype: NumberType;
  shape: readonly number[];
  start: number;
  end: number;
}

/** A language model's files in the Hugging Face layout: the parsed config.json and the place of every tensor. */
export interface Checkpoint {
  folder: string;
  config: Readonly<Record<string, unknown>>;
  tensors: ReadonlyMap<string, TensorPlace>;
  /** Weight files by their names in `folder`, in order. */
  files: readonly string[];
  /**
   * Where the weight files really are. In a cache they are links into another folder, and the runtime maps no file
   * that a link leads it to outside the folder it was given.
   */
  weightsFolder: string;
}

const shardIndex = z.object({
  weight_map: z.record(
    z.string(),
    // Plain names only: a shard must not lead out of the checkpoint's folder.
    z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*\.safetensors$/),
  ),
});

/**
 * Opens a checkpoint folder (config.json with model.safetensors or a sharded model.safetensors.index.json).
 * Reads headers only; no weight is loaded.
 *
 * @throws UserError when the folder holds no checkpoint
 * @throws MalformedError when a file is damaged or the index names a tensor its shard lacks
 */
export async function openCheckpoint(folder: string): Promise<Checkpoint> {
  const config = await readJsonObject(join(folder, 'config.json'));
  const indexPath = join(folder, 'model.safetensors.index.json');
  const index = (await exists(indexPath)) ? await readIndex(indexPath) : undefined;
  const files = index === undefined ? ['model.safetensors'] : [...new Set(index.values())].sort();
  const tensors = new Map<string, TensorPlace>();
  const real = new Map<string, string>();
  for (const file of files) {
    const path = join(folder, file);
    if (!(await exists(path))) {
      throw new UserError({
        thing: `checkpoint ${folder}`,
        found: `no ${file}`,
        expected: 'config.json and the safetensors files it goes with',
        next: 'Download the missing file, or name another folder.',
      });
    }
    real.set(file, await realpath(path));
  }
  const weightsFolder = commonFolder([...real.values()]);
  for (const [file, path] of real) {
    const header = await withFile(join(folder, file), readSafetensors);
    const place = relative(weightsFolder, path).split(sep).join('/');
    for (const [name, entry] of header.tensors) {
      if (index === undefined || index.get(name) === file) tensors.set(name, { file: place, ...entry });
    }
  }
  for (const [name, file] of index ?? []) {
    if (tensors.has(name)) continue;
    throw new MalformedError({
      thing: `checkpoint index ${indexPath}`,
      found: `tensor ${quote(name)} placed in ${file}, which lacks it`,
      expected: 'every indexed tensor in its shard',
      next: 'Download the checkpoint again.',
    });
  }
  return { folder, config, tensors, files, weightsFolder };
}

/** The deepest folder that all the files are in. */
function commonFolder(paths: readonly string[]): string {
  let folder = dirname(paths[0]!);
  while (!paths.every((path) => path.startsWith(folder.endsWith(sep) ? folder : folder + sep)))
    folder = dirname(folder);
  return folder;
}

async function readIndex(path: string): Promise<Map<string, string>> {
  const parsed = shardIndex.safeParse(await readJsonObject(path));
  if (!parsed.success) {
    throw new MalformedError({
      thing: path,
      found: parsed.error.issues[0]?.message ?? 'another shape',
      expected: 'a weight_map from tensor names to plain .safetensors file names',
      next: 'Download the index again.',
    });
  }
  return new Map(Object.entries(parsed.data.weight_map));
}

/** Reads a JSON file that must hold an object. */
async function readJsonObject(path: string): Promise<Record<string, unknown>> {
  if (!(await exists(path))) {
    throw new UserError({
      thing: path,
      found: 'no such file',
      expected: 'a checkpoint folder in the Hugging Face layout',
      next: 'Name a folder with config.json, tokenizer.json and model.safetensors.',
    });
  }
  const { size } = await stat(path);
  let parsed: unknown;
  if (size <= JSON_LIMIT) {
    try {
      parsed = JSON.parse(await readFile(path, 'utf8'));
    } catch {
      parsed = undefined;
    }
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new MalformedError({
      thing: path,
      found: size > JSON_LIMIT ? `${size} bytes` : 'something that is not a JSON object',
      expected: `a JSON object of at most ${JSON_LIMIT} bytes`,
      next: 'Download the file again.',
    });
  }
  return parsed as Record<string, unknown>;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
