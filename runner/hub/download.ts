import { join } from 'node:path';
import { UnavailableError } from '../errors.ts';
import type { HashingOptions } from '../io/known-hashes.ts';
import { checkFree, freeBytesOf } from '../io/room.ts';
import {
  blobPath,
  fileSize,
  onDisk,
  placeInSnapshot,
  snapshotFolder,
  sweepRepository,
  walkSnapshot,
  writeRef,
} from './cache.ts';
import { damagedFiles, damagedOffline, namedHash } from './checked.ts';
import { partialBytes, takePartial } from './partial.ts';
import {
  checkNameHere,
  checkRepositoryPath,
  formatReference,
  type HubReference,
  repositoryLabel,
} from './reference.ts';
import {
  fileAddress,
  findFiles,
  listRepository,
  nameSome,
  type PinnedReference,
  pinnedSubject,
  pinReference,
  type RepositoryFile,
  treePath,
} from './repository.ts';
import { transferInto } from './transfer.ts';
import type { Hub } from './transport.ts';

export interface DownloadRequest {
  reference: HubReference;
  /** Files or folders of the repository; without them `reference.path`, and without that all. */
  paths?: readonly string[] | undefined;
  /** Of those, which to take; it is given the names of all. */
  select?: ((path: string, all: readonly string[]) => boolean) | undefined;
  /** Files at a time. */
  parallel?: number;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: DownloadProgress) => void) | undefined;
  /** Large files that were cached before are read once to check them: the bytes read, and all of them. */
  onCheck?: ((done: number, total: number) => void) | undefined;
  /** Cached files that nothing says the hash of: plain files, offline, where no listing was kept. */
  onUnchecked?: ((paths: readonly string[]) => void) | undefined;
}

export interface DownloadProgress {
  /** The file that moved. */
  path: string;
  /** Bytes of all files not cached before: those that are here, and all. Resumed parts count as here. */
  bytes: number;
  total: number;
  filesDone: number;
  files: number;
}

export interface DownloadedFile extends Omit<RepositoryFile, 'hash'> {
  /** Where it lies now. */
  file: string;
  /** Null for a cached file of which the hub was not asked. */
  hash: RepositoryFile['hash'] | null;
}

export interface Download {
  reference: PinnedReference;
  /** `snapshots/<commit>`, with the files under their names. */
  folder: string;
  files: DownloadedFile[];
  /** Bytes that came over the network's way into files now. */
  fetchedBytes: number;
}

const PARALLEL = 4;

interface Blob {
  blob: string;
  file: RepositoryFile;
  pointers: string[];
}

/**
 * Brings files of a repository into the cache and says where they are. What is there already is not fetched again;
 * what is half there is continued; nothing has its name in the cache before its hash is right, and what another
 * program left there is held to its hash too, once, or named by `onUnchecked`.
 *
 * @param freeBytes room in a folder's file system
 * @throws UserError for names that do not exist, a bad token or missing permission; UnavailableError when gated,
 *   offline with something missing, out of disk, or out of attempts; MalformedError when the bytes stay wrong
 */
export async function download(
  hub: Hub,
  request: DownloadRequest,
  freeBytes: (folder: string) => Promise<number> = freeBytesOf,
): Promise<Download> {
  const { settings } = hub;
  const reference = await pinReference(hub, request.reference, request.signal);
  return onDisk(settings, () => downloadPinned(hub, reference, request, freeBytes));
}

async function downloadPinned(
  hub: Hub,
  reference: PinnedReference,
  request: DownloadRequest,
  freeBytes: (folder: string) => Promise<number>,
): Promise<Download> {
  const { settings } = hub;
  await sweepRepository(settings, reference, reference.commit);
  const folder = snapshotFolder(settings, reference, reference.commit);
  const paths = request.paths ?? (reference.path === null ? null : [reference.path]);
  const cached = await cachedFiles(hub, reference, folder, paths);
  if (cached) {
    const files = selected(cached, request);
    const damaged = await damagedFiles(hub, files, checking(request));
    if (damaged.length === 0) {
      const named = await Promise.all(files.map(({ file }) => namedHash(file)));
      const unchecked = files.filter((_, index) => named[index] === null);
      if (unchecked.length > 0) request.onUnchecked?.(unchecked.map(({ path }) => path));
      await writeRef(settings, reference, reference.commit);
      return { reference, folder, files, fetchedBytes: 0 };
    }
    if (settings.offline) throw damagedOffline(reference, damaged);
  }
  const listed = paths
    ? await findFiles(hub, reference, paths, request.signal)
    : await listRepository(hub, reference, request.signal);
  const wanted = selected(listed, request);
  for (const { path } of wanted) checkNameHere(path, repositoryLabel(reference));
  const { needed, damaged } = await missingBlobs(hub, reference, folder, wanted, request);
  if (settings.offline && damaged.length > 0) throw damagedOffline(reference, damaged);
  if (settings.offline && needed.length > 0)
    throw missingOffline(
      reference,
      needed.map(({ file }) => file.path),
    );
  let missing = 0;
  for (const { blob, file } of needed) missing += Math.max(0, file.size - (await partialBytes(blob)));
  await checkRoom(reference, needed.length, missing, {
    folder: settings.cacheFolder,
    freeBytes,
    advice: 'set HF_HUB_CACHE to a folder on a larger disk',
  });
  await writeRef(settings, reference, reference.commit);
  const fetchedBytes = await fetchAll(hub, reference, needed, request);
  const placed = wanted.map((file) => ({ ...file, file: join(folder, ...file.path.split('/')) }));
  return { reference, folder, files: placed, fetchedBytes };
}

/**
 * Named files that all lie in the snapshot as links, which name their hashes, need no question to the hub. Offline, where no listing was kept, the
 * snapshot itself is the listing, and names that it lacks are an error; otherwise null: the listing decides.
 */
async function cachedFiles(
  { settings }: Hub,
  reference: PinnedReference,
  folder: string,
  paths: readonly string[] | null,
): Promise<DownloadedFile[] | null> {
  if (settings.offline && !(await fileSize(treePath(settings, reference)))) {
    const files = await walkSnapshot(folder);
    const under = (path: string) =>
      files.filter((file) => file.path === path || file.path.startsWith(`${path}/`));
    const missing = (paths ?? []).filter((path) => under(path).length === 0);
    if (files.length === 0 || missing.length > 0)
      throw missingOffline(reference, missing.length > 0 ? missing : ['*']);
    return (paths ? [...new Set(paths.flatMap(under))] : files).map((file) => ({ ...file, hash: null }));
  }
  if (paths === null) return null;
  const found: DownloadedFile[] = [];
  for (const path of paths) {
    checkRepositoryPath(path, repositoryLabel(reference));
    const file = join(folder, ...path.split('/'));
    const size = await fileSize(file);
    if (size === null || (await namedHash(file)) === null) return null;
    found.push({ path, file, size, hash: null });
  }
  return found;
}

/**
 * Gives names to blobs that are here already, and returns the others, each once with all its names; those among them
 * that are here with other contents are the damaged ones.
 */
async function missingBlobs(
  hub: Hub,
  reference: PinnedReference,
  folder: string,
  wanted: readonly RepositoryFile[],
  request: DownloadRequest,
): Promise<{ needed: Blob[]; damaged: RepositoryFile[] }> {
  const { settings } = hub;
  const here = await Promise.all(
    wanted.map(async (file) => {
      const pointer = join(folder, ...file.path.split('/'));
      const blob = blobPath(settings, reference, file.hash.hex);
      const placed = (await fileSize(pointer)) === file.size;
      return { file, pointer, blob, placed, there: placed || (await fileSize(blob)) === file.size };
    }),
  );
  const damaged = await damagedFiles(
    hub,
    here
      .filter(({ there }) => there)
      .map(({ file, pointer, blob, placed }) => ({
        path: file.path,
        hash: file.hash,
        file: placed ? pointer : blob,
        of: file,
      })),
    checking(request),
  );
  const wrong = new Set(damaged.map(({ of }) => of));
  const needed = new Map<string, Blob>();
  for (const { file, pointer, blob, placed, there } of here) {
    if (there && !wrong.has(file)) {
      if (!placed) await placeInSnapshot(settings, blob, pointer, false);
      continue;
    }
    const known = needed.get(blob);
    if (known) known.pointers.push(pointer);
    else needed.set(blob, { blob, file, pointers: [pointer] });
  }
  return { needed: [...needed.values()], damaged: [...wrong] };
}

function checking({ signal, onCheck }: DownloadRequest): HashingOptions {
  return { signal, onProgress: onCheck };
}

/**
 * @param files still to come, and the bytes that they lack
 * @param advice what else than freeing space helps
 * @throws UnavailableError when the disk has no room for them
 */
export async function checkRoom(
  reference: PinnedReference,
  files: number,
  bytes: number,
  place: { folder: string; freeBytes?: ((folder: string) => Promise<number>) | undefined; advice: string },
): Promise<void> {
  const { folder, freeBytes, advice } = place;
  await checkFree({
    thing: formatReference(pinnedSubject(reference, null)),
    what: `the ${files} files still to come`,
    next: `Free space or ${advice}; nothing was fetched.`,
    folder,
    bytes,
    freeBytes,
  });
}

async function fetchAll(
  hub: Hub,
  reference: PinnedReference,
  needed: readonly Blob[],
  { parallel = PARALLEL, signal, onProgress }: DownloadRequest,
): Promise<number> {
  const stop = new AbortController();
  const either = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  const total = needed.reduce((sum, { file }) => sum + file.size, 0);
  const arrived = new Map<Blob, number>();
  let [bytes, filesDone, fetched, next] = [0, 0, 0, 0];
  const worker = async () => {
    while (next < needed.length) {
      const each = needed[next++]!;
      const { file } = each;
      let last: number | null = null;
      await fetchBlob(hub, reference, each, either, (now) => {
        if (last !== null && now > last) fetched += now - last;
        last = now;
        bytes += now - (arrived.get(each) ?? 0);
        arrived.set(each, now);
        onProgress?.({ path: file.path, bytes, total, filesDone, files: needed.length });
      });
      filesDone++;
      onProgress?.({ path: file.path, bytes, total, filesDone, files: needed.length });
    }
  };
  const workers = Array.from({ length: Math.max(1, parallel) }, () =>
    worker().catch((error) => {
      stop.abort(error);
      throw error;
    }),
  );
  // All workers have come to rest, and their parts are put back, before the first failure is reported.
  await Promise.allSettled(workers);
  await Promise.all(workers);
  return fetched;
}

async function fetchBlob(
  hub: Hub,
  reference: PinnedReference,
  { blob, file, pointers }: Blob,
  signal: AbortSignal,
  onBytes: (bytes: number) => void,
): Promise<void> {
  signal.throwIfAborted();
  const part = await takePartial(blob);
  const subject = pinnedSubject(reference, file.path);
  const transfer = { subject, url: fileAddress(hub, reference, file.path), size: file.size, hash: file.hash };
  try {
    await transferInto(hub, part.path, transfer, { signal, onBytes });
    await part.finish();
  } catch (error) {
    await part.release();
    throw error;
  }
  for (const [index, pointer] of pointers.entries())
    await placeInSnapshot(hub.settings, blob, pointer, index === pointers.length - 1);
  for (const pointer of pointers) await hub.hashes.note(pointer, file.hash);
}

function missingOffline(reference: PinnedReference, missing: readonly string[]): UnavailableError {
  return new UnavailableError({
    thing: formatReference(pinnedSubject(reference, null)),
    found: `not in the cache: ${nameSome(missing)}; and HF_HUB_OFFLINE is set`,
    expected: 'every file in the cache',
    next: 'Unset HF_HUB_OFFLINE once, with a connection, to fetch them.',
  });
}

function selected<File extends { path: string }>(
  files: readonly File[],
  { select }: Pick<DownloadRequest, 'select'>,
): File[] {
  const all = files.map(({ path }) => path);
  return files.filter(({ path }) => select?.(path, all) ?? true);
}
