import { join } from 'node:path';
import { quote, UnavailableError, UserError } from '../errors.ts';
import { openFile } from '../io/byte-source.ts';
import {
  byPath,
  type DataFile,
  type DataFiles,
  type FindDataFiles,
  formatOf,
  isPattern,
  patternOf,
} from '../io/data-files.ts';
import { findLocalFiles } from '../io/local-files.ts';
import { fileSize, snapshotFolder } from './cache.ts';
import { damagedFiles, damagedOffline } from './checked.ts';
import { formatReference, type HubReference, parseReference, repositoryLabel } from './reference.ts';
import { remoteSource } from './remote-source.ts';
import {
  listRepository,
  type PinnedReference,
  pinnedSubject,
  pinReference,
  type RepositoryFile,
  treePath,
} from './repository.ts';
import type { Hub } from './transport.ts';

/**
 * Data files by reference: of this machine, or of a repository at one commit,
 * `datasets/owner/name@revision:folder/*.parquet`. Files in the cache are read there; others over the network, by
 * ranges, and are not kept.
 *
 * @param open asked for a hub when a reference first needs one
 */
export function dataFileFinder(
  open: () => Promise<Hub>,
  local: { exists: (path: string) => boolean; home: string },
): FindDataFiles {
  let hub: Promise<Hub> | undefined;
  return async (text) => {
    // A pattern is no path that exists; one with a folder in front of it is local when that folder is there.
    const exists = (path: string): boolean =>
      local.exists(isPattern(path) ? path.slice(0, path.search(/[/\\][^/\\]*[*?]/)) : path);
    const reference = parseReference(text, { ...local, exists });
    if (reference.kind === 'local') return findLocalFiles(reference.path);
    hub ??= open();
    return findHubFiles(await hub, reference);
  };
}

async function findHubFiles(hub: Hub, reference: HubReference): Promise<DataFiles> {
  const pinned = await pinReference(hub, reference);
  const listed = await listing(hub, pinned);
  const { path } = reference;
  const pattern = path !== null && isPattern(path) ? patternOf(path) : null;
  const wanted = listed
    .filter((file) =>
      pattern
        ? pattern.test(file.path)
        : path === null || file.path === path || file.path.startsWith(`${path}/`),
    )
    .filter((file) => formatOf(file.path) !== null)
    .sort(byPath);
  if (wanted.length === 0) {
    throw new UserError({
      thing: formatReference(pinnedSubject(pinned, path)),
      found: `no such file among the ${listed.length} of the repository`,
      expected:
        'files named .parquet, .jsonl, .json, .csv, .tsv or .txt (all but the first also .gz or .zst)',
      next: `See ${hub.settings.endpoint}/${repositoryLabel(reference)}/tree/${pinned.commit} for the files it has.`,
    });
  }
  const files = await Promise.all(wanted.map((file) => hubFile(hub, pinned, file)));
  if (hub.settings.offline) {
    const missing = files.filter(({ cached }) => !cached).map(({ path: each }) => each);
    if (missing.length > 0) throw notCached(hub, pinned, missing);
  }
  return { reference: formatReference(pinnedSubject(pinned, path)), fingerprint: null, files };
}

/** Offline without the listing of this commit, which files there are is not known: some would be other data. */
async function listing(hub: Hub, pinned: PinnedReference): Promise<RepositoryFile[]> {
  if (!hub.settings.offline || (await fileSize(treePath(hub.settings, pinned))) !== null)
    return listRepository(hub, pinned);
  const { path } = pinned;
  if (path !== null && !isPattern(path)) {
    const size = await fileSize(join(snapshotFolder(hub.settings, pinned, pinned.commit), path));
    if (size !== null) return [{ path, size, hash: { algorithm: 'sha256', hex: '' } }];
  }
  throw notCached(hub, pinned, [`the listing of the repository and ${path ?? 'its files'}`]);
}

async function hubFile(
  hub: Hub,
  pinned: PinnedReference,
  file: RepositoryFile,
): Promise<DataFile & { cached: boolean }> {
  const { path, size } = file;
  const local = join(snapshotFolder(hub.settings, pinned, pinned.commit), ...path.split('/'));
  const cached = (await fileSize(local)) === size;
  const name = formatReference(pinnedSubject(pinned, path));
  const open = async () => {
    const hash = file.hash.hex === '' ? null : file.hash;
    const damaged = cached ? await damagedFiles(hub, [{ path, file: local, hash }]) : [];
    if (damaged.length > 0 && hub.settings.offline) throw damagedOffline(pinned, damaged);
    if (!cached || damaged.length > 0) return remoteSource(hub, pinned, file);
    return { ...(await openFile(local)), name };
  };
  return { path, name, bytes: size, open, cached };
}

function notCached(hub: Hub, pinned: PinnedReference, missing: readonly string[]): UnavailableError {
  const shown = missing.slice(0, 5).map(quote).join(', ');
  return new UnavailableError({
    thing: formatReference(pinnedSubject(pinned, null)),
    found: `not in the cache: ${shown}${missing.length > 5 ? ` and ${missing.length - 5} more` : ''}; and HF_HUB_OFFLINE is set`,
    expected: `every file in ${hub.settings.cacheFolder}`,
    next: `Unset HF_HUB_OFFLINE, or fetch them once with a connection: hf download ${repositoryLabel(pinned).replace(/^datasets\//, '--repo-type dataset ')} --revision ${pinned.commit}.`,
  });
}
