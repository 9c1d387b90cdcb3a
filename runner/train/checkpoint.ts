/**
 * Resume state on disk, one folder a generation:
 *
 *     checkpoints/generation-000007/{<id>.safetensors, ..., state.json, manifest.json}
 *
 * A generation is written under a temporary name, synced, and renamed in one step; the one before it is kept. The
 * manifest holds every file's size and SHA-256, so a damaged generation is noticed and the older one used instead.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { MalformedError, UnavailableError } from '../errors.ts';
import { type HashedFile, hashFile } from '../io/hash.ts';
import { refusedWrite } from '../io/refused-write.ts';
import { rename } from '../io/rename.ts';
import { writeAtomic } from '../io/write-atomic.ts';
import {
  type Checkpoint,
  checkpointFiles,
  damage,
  readCheckpointFiles,
  readJson,
} from './checkpoint-files.ts';

const GENERATION = /^generation-(\d{6,})$/;
const PARTIAL = 'partial-';
export const MANIFEST = 'manifest.json';

export const manifestSchema = z.strictObject({
  files: z.record(z.string(), z.strictObject({ bytes: z.int().nonnegative(), sha256: z.string() })),
});

export interface LoadedCheckpoint {
  checkpoint: Checkpoint;
  /** Where the files lie that were saved beside it, by name. They stay until the next save. */
  files: ReadonlyMap<string, string>;
  generation: number;
  /** Newer generations that were passed over, newest first: tell the user. */
  damaged: readonly { folder: string; reason: string }[];
}

/** Bytes one after the other. */
export type Parts = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** Bytes by file name. */
export type ExtraFiles = ReadonlyMap<string, Parts>;

export interface CheckpointStore {
  /** The newest intact checkpoint, or undefined where there is none at all. Errors as `loadLatestCheckpoint`. */
  load(): Promise<LoadedCheckpoint | undefined>;
  /**
   * Writes a new generation; of the older ones only that last loaded or saved here stays.
   *
   * @param files more files of it, by name, each as bytes that can be gone through several times
   * @returns its folder, which stays until the save after the next one
   * @throws UnavailableError when the folder cannot be written; older generations stay as they were
   */
  save(checkpoint: Checkpoint, files?: ExtraFiles): Promise<string>;
  /** Whether there is a generation at all, intact or not. */
  isEmpty(): Promise<boolean>;
  /**
   * Takes over a generation that was written elsewhere, as the only one.
   *
   * @param generation its folder, on the same file system; it moves
   * @throws UnavailableError when the folder cannot be written
   */
  adopt(generation: string): Promise<void>;
  /** Removes all generations. */
  clear(): Promise<void>;
}

/** Checkpoints in a folder of their own. One process at a time may use it. */
export function checkpointStore(folder: string): CheckpointStore {
  /** The generation known to be good. */
  let previous: number | undefined;
  const clear = async (): Promise<void> => {
    previous = undefined;
    await removePartial(folder);
    for (const old of await listGenerations(folder)) {
      await writable(folder, () => rm(join(folder, folderName(old)), { recursive: true, force: true }));
    }
  };
  return {
    isEmpty: async () => (await listGenerations(folder)).length === 0,
    async adopt(generation) {
      await clear();
      await writable(folder, async () => {
        await mkdir(folder, { recursive: true });
        await syncFolder(generation);
        await rename(generation, join(folder, folderName(1)));
        await syncFolder(folder);
      });
    },
    async load() {
      const found = await loadLatestCheckpoint(folder);
      previous = found?.generation;
      return found;
    },
    async save(checkpoint, files = new Map()) {
      const generations = await listGenerations(folder);
      const next = (generations[0] ?? 0) + 1;
      await writable(folder, () => writeGeneration(folder, next, checkpoint, files));
      const kept = previous ?? generations[0];
      previous = next;
      // The checkpoint stands by now: what cannot be removed is left for the next time.
      for (const old of generations) {
        if (old !== kept)
          await rm(join(folder, folderName(old)), { recursive: true, force: true }).catch(() => {});
      }
      return join(folder, folderName(next));
    },
    clear,
  };
}

/**
 * Reads the newest generation that is intact.
 *
 * @returns undefined when the folder holds no generation
 * @throws MalformedError when there are generations, but none is intact
 */
export async function loadLatestCheckpoint(folder: string): Promise<LoadedCheckpoint | undefined> {
  const damaged: { folder: string; reason: string }[] = [];
  for (const generation of await listGenerations(folder)) {
    const path = join(folder, folderName(generation));
    try {
      return { ...(await readGeneration(path)), generation, damaged };
    } catch (error) {
      damaged.push({ folder: path, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  const newest = damaged[0];
  if (newest === undefined) return undefined;
  throw new MalformedError({
    thing: `checkpoints in ${folder}`,
    found: `none intact of ${damaged.length} (${newest.reason})`,
    expected: 'at least one whole generation',
    next: 'Restore the folder from a copy, or start the training over.',
  });
}

function folderName(generation: number): string {
  return `generation-${String(generation).padStart(6, '0')}`;
}

/** Numbers of the generations, newest first. */
async function listGenerations(folder: string): Promise<number[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new UnavailableError({
      thing: `checkpoints in ${folder}`,
      found: error.message,
      expected: 'a readable folder',
      next: 'Check the path and its permissions.',
    });
  });
  return names
    .flatMap((name) => GENERATION.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => b - a);
}

async function removePartial(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    if (name.startsWith(PARTIAL)) await rm(join(folder, name), { recursive: true, force: true });
  }
}

async function writable<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    // A file that could not be written says so in words of its own; the system's are its cause.
    const { next, ...refused } = refusedWrite(cause instanceof UnavailableError ? cause.cause : cause);
    throw new UnavailableError(
      {
        thing: `checkpoints in ${folder}`,
        ...refused,
        next: `${next}, then run again: the last checkpoint is intact.`,
      },
      { cause },
    );
  }
}

async function writeGeneration(
  folder: string,
  generation: number,
  checkpoint: Checkpoint,
  extra: ExtraFiles,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  await removePartial(folder);
  const partial = join(folder, `${PARTIAL}${randomBytes(6).toString('hex')}`);
  await mkdir(partial);
  try {
    const files: Record<string, HashedFile> = {};
    const write = async (name: string, parts: Parts): Promise<void> => {
      files[name] = await hashParts(parts);
      await writeAtomic(join(partial, name), parts);
    };
    for (const { name, parts } of checkpointFiles(checkpoint)) await write(name, parts);
    for (const [name, parts] of extra) await write(name, parts);
    await writeAtomic(join(partial, MANIFEST), `${JSON.stringify({ files }, null, 2)}\n`);
    await syncFolder(partial);
    await rename(partial, join(folder, folderName(generation)));
    await syncFolder(folder);
  } catch (error) {
    await rm(partial, { recursive: true, force: true }).catch(() => {});
    throw error;
  }
}

/** Makes names in a folder durable. Windows has no such call and needs none. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function readGeneration(folder: string): Promise<Pick<LoadedCheckpoint, 'checkpoint' | 'files'>> {
  const { files } = await readJson(join(folder, MANIFEST), manifestSchema);
  for (const [name, expected] of Object.entries(files)) {
    const found = await hashFile(join(folder, name));
    if (found.bytes === expected.bytes && found.sha256 === expected.sha256) continue;
    throw damage(
      join(folder, name),
      found.bytes === expected.bytes ? 'other contents' : `${found.bytes} bytes`,
      found.bytes === expected.bytes ? 'those that were written' : `${expected.bytes}`,
    );
  }
  const names = Object.keys(files);
  return {
    checkpoint: await readCheckpointFiles(folder, new Set(names)),
    files: new Map(names.map((name) => [name, join(folder, name)])),
  };
}

async function hashParts(parts: Parts): Promise<HashedFile> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const part of parts) {
    hash.update(part);
    bytes += part.byteLength;
  }
  return { bytes, sha256: hash.digest('hex') };
}
