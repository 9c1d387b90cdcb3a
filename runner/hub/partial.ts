import { mkdir, open, readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { rename } from '../io/rename.ts';
import { isAbandoned, temporaryName } from '../io/temporary-name.ts';
import { fileSize } from './cache.ts';

/*
 * What has arrived of a blob lies beside it as `<hash>.incomplete`. A process that works on it first takes it by renaming it
 * to a name of its own, so two programs never write to one file, with no lock to go stale; a program that was killed
 * leaves its name behind, and the next one sees that nobody has it (io/temporary-name.ts).
 */

export interface PartialBlob {
  /** The file to write to; it exists. */
  path: string;
  /** Leaves what has arrived for the next attempt of any program. */
  release(): Promise<void>;
  /** Makes it the blob. */
  finish(): Promise<void>;
}

/** Takes over the longest abandoned part of a blob, or starts an empty file. Other abandoned parts are removed. */
export async function takePartial(blob: string): Promise<PartialBlob> {
  const path = temporaryName(blob, 'incomplete');
  await mkdir(dirname(blob), { recursive: true });
  const found = (await abandoned(blob)).sort((a, b) => b.size - a.size);
  let taken = false;
  for (const part of found) {
    if (taken) await rm(part.path, { force: true });
    else taken = await renamed(part.path, path);
  }
  if (!taken) await (await open(path, 'wx')).close();
  return {
    path,
    release: async () => {
      await renamed(path, `${blob}.incomplete`);
    },
    finish: async () => {
      // A move within the folder: readers see no blob or the whole of it.
      const file = await open(path, 'r+');
      await file.sync().finally(() => file.close());
      await rename(path, blob);
    },
  };
}

/** Bytes of a blob that lie here already: what the next download does not fetch, if they prove right. */
export async function partialBytes(blob: string): Promise<number> {
  return Math.max(0, ...(await abandoned(blob)).map((part) => part.size));
}

async function abandoned(blob: string): Promise<{ path: string; size: number }[]> {
  const folder = dirname(blob);
  const found: { path: string; size: number }[] = [];
  for (const name of await readdir(folder).catch(() => [])) {
    if (!name.startsWith(`${basename(blob)}.`)) continue;
    const path = join(folder, name);
    if (path !== `${blob}.incomplete` && (!name.endsWith('.incomplete') || !(await isAbandoned(path))))
      continue;
    found.push({ path, size: (await fileSize(path)) ?? 0 });
  }
  return found;
}

async function renamed(from: string, to: string): Promise<boolean> {
  return rename(from, to).then(
    () => true,
    () => false,
  );
}
