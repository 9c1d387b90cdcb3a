import { copyFile, mkdir, readdir, readFile, rm, stat, symlink } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { UnavailableError } from '../errors.ts';
import { rename } from '../io/rename.ts';
import { isAbandoned, sweepAbandoned, temporaryName } from '../io/temporary-name.ts';
import { writeAtomic } from '../io/write-atomic.ts';
import { type HubReference, isCommit } from './reference.ts';
import type { HubSettings } from './settings.ts';

/*
 * The layout of Python's huggingface_hub, so that neither program downloads what the other has:
 *
 *     models--owner--name/blobs/<hash>                 contents
 *                         refs/<revision>              a commit, 40 digits without newline
 *                         snapshots/<commit>/<path>    link to ../../blobs/<hash>
 *                         trees/<commit>.json          the commit's files with sizes and hashes
 */

type Settings = Pick<HubSettings, 'cacheFolder' | 'symlinks'>;
type Repository = Pick<HubReference, 'type' | 'repo'>;

export function repositoryFolder(settings: Settings, { type, repo }: Repository): string {
  return join(settings.cacheFolder, [`${type}s`, ...repo.split('/')].join('--'));
}

export function snapshotFolder(settings: Settings, repository: Repository, commit: string): string {
  return join(repositoryFolder(settings, repository), 'snapshots', commit);
}

export function blobPath(settings: Settings, repository: Repository, hash: string): string {
  return join(repositoryFolder(settings, repository), 'blobs', hash);
}

/** Bytes of a file, links followed; null when there is none. */
export async function fileSize(path: string): Promise<number | null> {
  const found = await stat(path).catch(() => null);
  return found?.isFile() ? found.size : null;
}

/** The commit a branch or tag pointed to when it was last asked for; null when it never was. */
export async function readRef(settings: Settings, reference: HubReference): Promise<string | null> {
  const path = join(repositoryFolder(settings, reference), 'refs', reference.revision);
  const text = (await readFile(path, 'utf8').catch(() => '')).trim();
  return isCommit(text) ? text : null;
}

export async function writeRef(settings: Settings, reference: HubReference, commit: string): Promise<void> {
  if (reference.revision === commit || (await readRef(settings, reference)) === commit) return;
  await writeAtomic(join(repositoryFolder(settings, reference), 'refs', reference.revision), commit);
}

/**
 * Puts a blob under its name in a snapshot: a relative link, or a file where the system refuses links.
 *
 * @param mayMove the blob is new and this is its last name: without links it is moved rather than copied, as
 *   Python's huggingface_hub does, so that no bytes lie twice on the disk
 */
export async function placeInSnapshot(
  settings: Settings,
  blob: string,
  pointer: string,
  mayMove: boolean,
): Promise<void> {
  await mkdir(dirname(pointer), { recursive: true });
  const temporary = temporaryName(pointer);
  try {
    if (settings.symlinks && (await linked(relative(dirname(pointer), blob), temporary))) {
      await rename(temporary, pointer);
    } else if (mayMove) {
      await rename(blob, pointer);
    } else {
      await copyFile(blob, temporary);
      await rename(temporary, pointer);
    }
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Whether the link could be made: Windows refuses without developer mode, some file systems always. */
async function linked(target: string, path: string): Promise<boolean> {
  try {
    await symlink(target, path);
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (['EPERM', 'EACCES', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EINVAL'].includes(code ?? '')) return false;
    throw error;
  }
}

/** Parts of blobs that killed processes left are kept to go on from, but not for ever. */
const PART_KEPT_MS = 7 * 24 * 3_600_000;

/** Removes what killed processes left: of links, references and listings at once, parts of blobs after a week. */
export async function sweepRepository(
  settings: Settings,
  repository: Repository,
  commit: string,
): Promise<void> {
  const folder = repositoryFolder(settings, repository);
  for (const each of ['refs', 'trees', join('snapshots', commit)]) await sweepAbandoned(join(folder, each));
  const blobs = join(folder, 'blobs');
  for (const name of await readdir(blobs).catch(() => [])) {
    const path = join(blobs, name);
    if (!name.endsWith('.incomplete') || !(await isAbandoned(path))) continue;
    const found = await stat(path).catch(() => null);
    if (found !== null && Date.now() - found.mtimeMs > PART_KEPT_MS) await rm(path, { force: true });
  }
}

/**
 * Runs what reads and writes the cache.
 *
 * @throws UnavailableError for what the file system refuses; everything else as it is
 */
export async function onDisk<T>({ cacheFolder }: Settings, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const { code, syscall, path, message } = cause as NodeJS.ErrnoException;
    if (!(cause instanceof Error) || code === undefined || syscall === undefined) throw cause;
    throw new UnavailableError(
      {
        thing: path ?? cacheFolder,
        found: message,
        expected: 'a cache that can be written',
        next: 'Free space, correct its permissions, remove what stands in the way, or set HF_HUB_CACHE to another folder.',
      },
      { cause },
    );
  }
}

/** Every file of a snapshot, by its name in the repository; none when there is no such folder. */
export async function walkSnapshot(folder: string): Promise<{ path: string; file: string; size: number }[]> {
  const files: { path: string; file: string; size: number }[] = [];
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  for (const name of names.sort()) {
    const file = join(folder, name);
    const size = await fileSize(file);
    if (size !== null && !name.endsWith('.tmp')) files.push({ path: name.split(sep).join('/'), file, size });
  }
  return files;
}
