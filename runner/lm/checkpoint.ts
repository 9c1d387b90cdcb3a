import { readdir, realpath, stat } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { z } from 'zod';
import { MalformedError, quote } from '../errors.ts';
import { parseJson } from '../formats/json.ts';
import { openFile } from '../io/byte-source.ts';
import { isFp8 } from './fp8.ts';
import type { CheckpointFiles, TensorPlace } from './stored-tensors.ts';
import {
  layouts,
  refuseAdapter,
  refusePointer,
  refuseScales,
  tensorsOf,
  wrongFolder,
} from './weight-files.ts';

/** Larger than any config.json or shard index seen (the index of a 400-billion-parameter model is 9 MB). */
const JSON_LIMIT = 64_000_000;

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
  /** What a reader of results should know of the files. */
  notes: readonly string[];
}

const shardIndex = z.object({
  weight_map: z.record(
    z.string(),
    // Plain names only: a shard must not lead out of the checkpoint's folder.
    z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*\.(safetensors|bin)$/),
  ),
});

/**
 * Opens a checkpoint folder (config.json with model.safetensors or pytorch_model.bin, whole or in shards with an index).
 * Reads headers only; no weight is loaded.
 *
 * @throws UserError when the folder holds no checkpoint
 * @throws MalformedError when a file is damaged or the index names a tensor its shard lacks
 */
export async function openCheckpoint(folder: string): Promise<Checkpoint> {
  const checkpoint = await readCheckpoint({
    name: folder,
    open: async (file) => ((await exists(join(folder, file))) ? openFile(join(folder, file)) : null),
    list: () => readdir(folder).catch(() => []),
  });
  const real = new Map<string, string>();
  for (const file of checkpoint.files) real.set(file, await realpath(join(folder, file)));
  const weightsFolder = commonFolder([...real.values()]);
  const placeOf = (file: string): string => relative(weightsFolder, real.get(file)!).split(sep).join('/');
  const tensors = new Map(
    [...checkpoint.tensors].map(([name, place]) => [name, { ...place, file: placeOf(place.file) }]),
  );
  return { ...checkpoint, tensors, weightsFolder };
}

/**
 * Reads the headers of a checkpoint wherever it is: of a repository a few ranges suffice, and nothing is downloaded.
 * Tensors lie in files by their own names, and there is no folder that a program could read weights from.
 *
 * @throws UserError, MalformedError as `openCheckpoint`
 */
export async function readCheckpoint(from: CheckpointFiles): Promise<Checkpoint> {
  const config = await readJsonObject(from, 'config.json');
  if (config === null) throw await wrongFolder(from, 'config.json');
  const names = new Set(await from.list());
  const layout = layouts.find(({ single, index }) => names.has(single) || names.has(index));
  if (layout === undefined) throw await wrongFolder(from, layouts[0]!.single);
  await refuseAdapter(from);
  const alone = names.has(layout.single);
  const notes =
    alone && names.has(layout.index)
      ? [`weights are those of ${layout.single}; ${layout.index} beside it is not read, as in transformers`]
      : [];
  const rawIndex = alone ? null : await readJsonObject(from, layout.index);
  const index = rawIndex === null ? undefined : readIndex(`${from.name}/${layout.index}`, rawIndex);
  const files = index === undefined ? [layout.single] : [...new Set(index.values())].sort();
  const tensors = new Map<string, TensorPlace>();
  for (const file of files) {
    const source = await from.open(file);
    if (source === null) throw await wrongFolder(from, file);
    try {
      for (const [name, entry] of await tensorsOf(source, layout.kind)) {
        if (index === undefined || index.get(name) === file) tensors.set(name, { file, ...entry });
      }
    } finally {
      await source.close();
    }
  }
  for (const [name, file] of index ?? []) {
    if (tensors.has(name)) continue;
    throw new MalformedError({
      thing: `checkpoint index ${from.name}/${layout.index}`,
      found: `tensor ${quote(name)} placed in ${file}, which lacks it`,
      expected: 'every indexed tensor in its shard',
      next: 'Download the checkpoint again.',
    });
  }
  refuseScales(from.name, tensors, isFp8(config));
  return { folder: from.name, config, tensors, files, weightsFolder: from.name, notes };
}

/** The deepest folder that all the files are in. */
function commonFolder(paths: readonly string[]): string {
  let folder = dirname(paths[0]!);
  while (!paths.every((path) => path.startsWith(folder.endsWith(sep) ? folder : folder + sep)))
    folder = dirname(folder);
  return folder;
}

function readIndex(path: string, raw: Record<string, unknown>): Map<string, string> {
  const parsed = shardIndex.safeParse(raw);
  if (!parsed.success) {
    throw new MalformedError({
      thing: path,
      found: parsed.error.issues[0]?.message ?? 'another shape',
      expected: 'a weight_map from tensor names to plain file names',
      next: 'Download the index again.',
    });
  }
  return new Map(Object.entries(parsed.data.weight_map));
}

/** Reads a JSON file that must hold an object; null where there is none. */
async function readJsonObject(from: CheckpointFiles, file: string): Promise<Record<string, unknown> | null> {
  const source = await from.open(file);
  if (source === null) return null;
  const size = source.byteLength;
  let parsed: unknown;
  try {
    await refusePointer(source);
    if (size <= JSON_LIMIT) parsed = parseJson(Buffer.from(await source.slice(0, size)).toString('utf8'));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  } finally {
    await source.close();
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new MalformedError({
      thing: `${from.name}/${file}`,
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
