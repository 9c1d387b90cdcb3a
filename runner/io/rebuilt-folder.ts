/**
 * A folder whose contents are made anew as a whole. It is made beside its place, in `<folder>.build`, under a name of
 * its own, and then changes places with the old one; any number of processes may do so at once, and the one that
 * finishes last is seen. There is no single step that changes two folders' places: for a moment between two renames
 * none is there. Where the second one fails the old folder is put back, and where the process is killed between
 * them, the next one that looks does so (`restored`).
 */
import { mkdir, readdir, rm, rmdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { whileOwned } from './folder-owner.ts';
import { rename } from './rename.ts';
import { isAbandoned, temporaryName } from './temporary-name.ts';

/** The exchange takes milliseconds; removing what killed processes left, seconds. */
const PATIENCE_MS = 60_000;
const OLD = 'old';
const NEW = 'new';
/** The work folder may vanish so often while something is made in it. */
const VANISHED_LIMIT = 20;

/**
 * @param make fills the folder it is given, which does not exist yet
 * @throws what `make` throws, with the old folder in its place
 * @throws UnavailableError when the folders cannot be written
 */
export async function rebuildFolder(folder: string, make: (made: string) => Promise<void>): Promise<void> {
  const work = workOf(folder);
  // While it is there no other build takes the work folder away.
  const own = temporaryName(join(work, basename(folder)));
  await makeWithin(own);
  try {
    await restored(folder);
    const made = join(own, NEW);
    await make(made);
    await owned(work, async () => {
      const old = join(work, OLD);
      await putBack(folder, old);
      const moved = await move(folder, old);
      try {
        await rename(made, folder);
      } catch (error) {
        if (moved) await move(old, folder);
        throw error;
      }
      await rm(old, { recursive: true, force: true });
    });
  } finally {
    await rm(own, { recursive: true, force: true });
    await rmdir(work).catch(() => undefined);
  }
}

/**
 * Makes a folder in one that others take away when they are done: mkdir, having found it there, may look again and find it gone.
 *
 * @param make for tests
 */
export async function makeWithin(
  folder: string,
  make: (folder: string) => Promise<unknown> = (each) => mkdir(each, { recursive: true }),
): Promise<void> {
  for (let vanished = 0; ; ) {
    try {
      await make(folder);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || ++vanished > VANISHED_LIMIT) throw error;
    }
  }
}

/** Puts back what a process that was killed had taken from its place, and removes what such processes left. */
export async function restored(folder: string): Promise<void> {
  const work = workOf(folder);
  if ((await stat(work).catch(() => undefined)) === undefined) return;
  await owned(work, async () => {
    await putBack(folder, join(work, OLD));
    for (const name of await readdir(work)) {
      const path = join(work, name);
      if (await isAbandoned(path)) await rm(path, { recursive: true, force: true });
    }
  });
  await rmdir(work).catch(() => undefined);
}

function workOf(folder: string): string {
  return `${folder}.build`;
}

/** The work folder vanishes when its last user is done; the next user makes it again. */
function owned<T>(work: string, use: () => Promise<T>): Promise<T> {
  return whileOwned(work, use, { patience: PATIENCE_MS });
}

async function putBack(folder: string, old: string): Promise<void> {
  const there = (await stat(folder).catch(() => undefined)) !== undefined;
  if (there) await rm(old, { recursive: true, force: true });
  else await move(old, folder);
}

/** @returns whether there was something to move */
async function move(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
