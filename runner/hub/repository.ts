import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { datasetInfo, listFiles, modelInfo, type PathInfo, pathsInfo, spaceInfo } from '@huggingface/hub';
import { quote, UnavailableError, UserError } from '../errors.ts';
import type { ContentHash } from '../io/content-hash.ts';
import { writeJsonAtomic } from '../io/write-atomic.ts';
import { asked, notAnAnswer } from './answers.ts';
import { readRef, repositoryFolder } from './cache.ts';
import {
  checkRepositoryPath,
  formatReference,
  type HubReference,
  isCommit,
  isRepositoryPath,
  REPOSITORY_PATH,
  repositoryLabel,
} from './reference.ts';
import { type Fetch, type Hub, hubFetch } from './transport.ts';

/** A file of a repository at one commit. */
export interface RepositoryFile {
  path: string;
  size: number;
  hash: ContentHash;
}

/** A reference whose revision is a commit of 40 digits, for the record. */
export type PinnedReference = HubReference & { commit: string };

const MAX_LISTED_FILES = 200_000;
const MAX_LISTING_PAGES = 2000;
/** Paths in one question; the hub answers up to a thousand. */
const PATHS_PER_QUESTION = 500;

/**
 * Asks the hub which commit a revision is now; offline, which it was when files of it were last fetched. A commit
 * stands for itself.
 *
 * @throws UserError when there is no such repository or revision; UnavailableError when it is gated, when the hub
 *   does not answer, or when offline and never asked before
 */
export async function pinReference(
  hub: Hub,
  reference: HubReference,
  signal?: AbortSignal,
): Promise<PinnedReference> {
  const { settings } = hub;
  const { type, repo, revision } = reference;
  if (isCommit(revision)) return { ...reference, commit: revision };
  if (settings.offline) {
    const commit = await readRef(settings, reference);
    if (commit !== null) return { ...reference, commit };
    throw new UnavailableError({
      thing: formatReference({ ...reference, path: null }),
      found: 'that it is not in the cache, and HF_HUB_OFFLINE is set',
      expected: `a commit in ${join(repositoryFolder(settings, reference), 'refs')}`,
      next: 'Fetch it once with a connection, or name a cached commit after @.',
    });
  }
  const ask = { model: modelInfo, dataset: datasetInfo, space: spaceInfo }[type] as typeof modelInfo;
  const subject = { ...reference, path: null };
  const fetch = hubFetch(hub, subject, { signal });
  const question = {
    name: repo,
    revision,
    additionalFields: ['sha' as const],
    hubUrl: settings.endpoint,
    fetch,
  };
  const info = await asked(subject, () => ask(question), signal);
  const commit: unknown = info.sha;
  if (typeof commit !== 'string' || !isCommit(commit)) throw notAnAnswer(subject, 'no commit of 40 digits');
  return { ...reference, commit };
}

/** The address a file is fetched from, pinned to the commit. */
export function fileAddress(hub: Hub, reference: PinnedReference, path: string): string {
  const name = path.split('/').map(encodeURIComponent).join('/');
  return `${hub.settings.endpoint}/${repositoryLabel(reference)}/resolve/${reference.commit}/${name}`;
}

/** All files at a commit. Kept in the cache: a commit's listing never changes. */
export async function listRepository(
  hub: Hub,
  reference: PinnedReference,
  signal?: AbortSignal,
): Promise<RepositoryFile[]> {
  const known = await readTree(hub, reference);
  if (known) return known;
  const subject = pinnedSubject(reference, null);
  const single = hubFetch(hub, subject, { signal });
  let pages = 0;
  const fetch: Fetch = async (input, init) => {
    if (++pages > MAX_LISTING_PAGES) throw notAnAnswer(subject, `more than ${MAX_LISTING_PAGES} pages`);
    const response = await single(input, init);
    // The library would take a page it cannot find for the end of the listing.
    const link = response.headers.get('link') ?? '';
    if (/rel="?next/.test(link) && !/<https?:\/\/[^>]+>;\s+rel="next"/.test(link))
      throw notAnAnswer(subject, 'a next page without an address');
    return response;
  };
  const entries: ListedEntry[] = [];
  const repo = { type: reference.type, name: reference.repo };
  const question = {
    repo,
    revision: reference.commit,
    recursive: true,
    hubUrl: hub.settings.endpoint,
    fetch,
  };
  await asked(
    subject,
    async () => {
      for await (const entry of listFiles(question)) {
        if (entries.push(entry) > MAX_LISTED_FILES)
          throw notAnAnswer(subject, `more than ${MAX_LISTED_FILES} files`);
      }
    },
    signal,
  );
  const files = readEntries(entries, subject);
  await writeTree(hub, reference, entries);
  return files;
}

/**
 * The named files, and every file under the named folders.
 *
 * @throws UserError naming the first that are not there
 */
export async function findFiles(
  hub: Hub,
  reference: PinnedReference,
  paths: readonly string[],
  signal?: AbortSignal,
): Promise<RepositoryFile[]> {
  for (const path of paths) checkRepositoryPath(path, repositoryLabel(reference));
  let entries = await readTree(hub, reference);
  let folders = entries !== null;
  if (!entries) {
    const subject = pinnedSubject(reference, null);
    const fetch = hubFetch(hub, subject, { signal });
    const repo = { type: reference.type, name: reference.repo };
    const question = { repo, revision: reference.commit, hubUrl: hub.settings.endpoint, fetch };
    const answers: PathInfo[] = [];
    for (let from = 0; from < paths.length; from += PATHS_PER_QUESTION) {
      const some = paths.slice(from, from + PATHS_PER_QUESTION);
      answers.push(...(await asked(subject, () => pathsInfo({ ...question, paths: some }), signal)));
    }
    folders = answers.some((entry) => entry.type === 'directory');
    entries = folders ? await listRepository(hub, reference, signal) : readEntries(answers, subject);
  }
  const byPath = new Map(entries.map((entry) => [entry.path, entry]));
  const found = new Map<string, RepositoryFile>();
  const missing: string[] = [];
  for (const path of paths) {
    const file = byPath.get(path);
    const under = file ? [file] : folders ? entries.filter((entry) => entry.path.startsWith(`${path}/`)) : [];
    if (under.length === 0) missing.push(path);
    for (const each of under) found.set(each.path, each);
  }
  if (missing.length === 0) return [...found.values()];
  const page = `${hub.settings.endpoint}/${repositoryLabel(reference)}/tree/${reference.commit}`;
  throw new UserError({
    thing: formatReference(pinnedSubject(reference, null)),
    found: `no ${nameSome(missing)}`,
    expected: 'files of the repository',
    next: `See ${page} for the files it has.`,
  });
}

/** The first few of many names, for one line. */
export function nameSome(names: readonly string[]): string {
  const shown = names.slice(0, 5).map(quote).join(', ');
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}

export function pinnedSubject(reference: PinnedReference, path: string | null): HubReference {
  const { commit, ...rest } = reference;
  return { ...rest, revision: commit, path };
}

/** What both ways of asking the hub say of a file or folder. */
type ListedEntry = Pick<PathInfo, 'path' | 'type' | 'size' | 'oid' | 'lfs' | 'xetHash'>;

/** @throws MalformedError for what no commit can hold: names that leave it, a name twice, a file that is a folder */
function readEntries(entries: readonly ListedEntry[], subject: HubReference): RepositoryFile[] {
  const files = entries.filter((entry) => entry.type === 'file').map((entry) => readEntry(entry, subject));
  const paths = new Set(files.map(({ path }) => path));
  if (paths.size < files.length) throw notAnAnswer(subject, 'a file that is listed twice');
  for (const { path } of files) {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const folder = path.slice(0, end);
      if (paths.has(folder)) throw notAnAnswer(subject, `a file and a folder of one name, ${quote(folder)}`);
    }
  }
  return files;
}

function readEntry(entry: ListedEntry, subject: HubReference): RepositoryFile {
  if (typeof entry.path !== 'string') throw notAnAnswer(subject, 'a file without a path');
  if (!isRepositoryPath(entry.path))
    throw notAnAnswer(subject, `the file name ${quote(entry.path)} where ${REPOSITORY_PATH} can be`);
  const { oid, size } = entry.lfs ?? entry;
  const hash: ContentHash = { algorithm: entry.lfs ? 'sha256' : 'git-sha1', hex: String(oid) };
  const digits = entry.lfs ? /^[0-9a-f]{64}$/ : /^[0-9a-f]{40}$/;
  if (!digits.test(hash.hex) || !Number.isSafeInteger(size) || size < 0)
    throw notAnAnswer({ ...subject, path: entry.path }, `hash ${quote(hash.hex)}, size ${String(size)}`);
  return { path: entry.path, size, hash };
}

interface Tree {
  format_version: 1;
  files: Record<string, { size: number; blob_id: string; lfs_sha256?: string; lfs_size?: number }>;
}

/** Where the listing of a commit is kept. */
export function treePath(settings: Hub['settings'], reference: PinnedReference): string {
  return join(repositoryFolder(settings, reference), 'trees', `${reference.commit}.json`);
}

async function readTree(hub: Hub, reference: PinnedReference): Promise<RepositoryFile[] | null> {
  try {
    const tree = JSON.parse(await readFile(treePath(hub.settings, reference), 'utf8')) as Tree;
    if (tree.format_version !== 1) return null;
    return Object.entries(tree.files).map(([path, { size, blob_id, lfs_sha256, lfs_size }]) => {
      const lfs = lfs_sha256 === undefined ? undefined : { oid: lfs_sha256, size: lfs_size ?? size };
      const entry = {
        path,
        type: 'file',
        size,
        oid: blob_id,
        ...(lfs && { lfs: { ...lfs, pointerSize: 0 } }),
      };
      return readEntry(entry, pinnedSubject(reference, null));
    });
  } catch {
    // Absent, or not readable as a listing: the hub is asked, as if nothing had been kept.
    return null;
  }
}

async function writeTree(
  hub: Hub,
  reference: PinnedReference,
  entries: readonly ListedEntry[],
): Promise<void> {
  const files: Tree['files'] = {};
  for (const { path, type, size, oid, lfs, xetHash } of entries) {
    if (type !== 'file') continue;
    // The format needs git's name of every file; a listing without it is not kept rather than kept in part.
    if (oid === undefined) return;
    files[path] = {
      size,
      blob_id: oid,
      ...(lfs && { lfs_sha256: lfs.oid, lfs_size: lfs.size }),
      ...(xetHash && { xet_hash: xetHash }),
    };
  }
  await writeJsonAtomic(treePath(hub.settings, reference), { format_version: 1, files } satisfies Tree);
}
