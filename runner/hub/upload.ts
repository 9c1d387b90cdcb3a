import { stat } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import {
  type CommitOutput,
  type CommitParams,
  commitIter,
  createBranch,
  createRepo,
  pathsInfo,
} from '@huggingface/hub';
import { UnavailableError, UserError } from '../errors.ts';
import { contentHash } from '../io/content-hash.ts';
import { hashFile } from '../io/hash.ts';
import { asked } from './answers.ts';
import { checkRepositoryPath, formatReference, type HubReference, repositoryLabel } from './reference.ts';
import { listRepository, type PinnedReference, pinnedSubject, pinReference } from './repository.ts';
import { Transient } from './retry.ts';
import { type Hub, hubFetch } from './transport.ts';

export interface UploadFile {
  /** Its name in the repository. */
  path: string;
  /** The file on this machine. */
  source: string;
}

export interface UploadRequest {
  /** The repository; its revision is the branch. */
  reference: HubReference;
  files: readonly UploadFile[];
  /** Files to remove in the same commit, where they are there and are not sent; a name that ends in / is a folder with all in it. */
  remove?: readonly string[] | undefined;
  title: string;
  description?: string;
  /** Make the repository where there is none. A Space is a static one. */
  create?: { private: boolean } | undefined;
  /** Ask for the change by a pull request: the branch stays where it is. Of a repository that is there. */
  pullRequest?: boolean | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: UploadProgress) => void) | undefined;
}

export interface UploadProgress {
  path: string;
  state: 'hashing' | 'uploading';
  /** Of this file, 0 to 1. Small files arrive together with the commit. */
  fraction: number;
}

export interface PlannedFile extends UploadFile {
  bytes: number;
  sha256: string;
}

export interface Upload {
  commit: string;
  /** Of the commit, or of the pull request. */
  url: string;
  files: number;
}

/**
 * What an upload would send, by reading the files alone: a dry run asks the hub nothing.
 *
 * @throws UserError for a name that is twice there or leaves the repository; UnavailableError for a missing file
 */
export async function planUpload(
  request: Pick<UploadRequest, 'reference' | 'files'>,
): Promise<PlannedFile[]> {
  const names = new Set<string>();
  const planned: PlannedFile[] = [];
  for (const file of request.files) {
    checkRepositoryPath(file.path, repositoryLabel(request.reference));
    const size = await stat(file.source).then(
      (found) => (found.isFile() ? found.size : null),
      () => null,
    );
    if (size === null || names.has(file.path)) {
      throw new UserError({
        thing: `upload to ${formatReference(request.reference)}: ${file.path}`,
        found: size === null ? `no file ${file.source}` : 'the name twice',
        expected: 'one readable file for each name',
        next: 'Correct the list of files; nothing was sent.',
      });
    }
    names.add(file.path);
    planned.push({ ...file, ...(await hashFile(file.source)) });
  }
  return planned;
}

/**
 * Sends files as one commit; large ones go to the hub's large-file storage first, and those that are there already are
 * not sent again. The branch moves from the commit it was at, or not at all: a commit of somebody else in between is an
 * error, never overwritten. When the answer to the commit itself is lost, the branch is asked whether it has moved; a pull
 * request moves none, and is not asked for again.
 *
 * @throws UserError without a token or permission; UnavailableError when the hub does not answer or the branch moved
 */
export async function upload(hub: Hub, request: UploadRequest): Promise<Upload> {
  const { reference, files, signal } = request;
  if (hub.settings.token === null) throw noToken(hub, reference);
  await planUpload(request);
  if (request.create) await create(hub, request, request.create);
  for (let attempt = 1; ; attempt++) {
    const parent = await pinReference(hub, reference, signal);
    try {
      const { commit, pullRequestUrl } = await commitOnce(hub, request, parent);
      return { commit: commit.oid, url: pullRequestUrl ?? commit.url, files: files.length };
    } catch (error) {
      if (!(error instanceof Transient)) throw error;
      if (request.pullRequest) throw unanswered(hub, reference, error);
      const now = await pinReference(hub, reference, signal);
      if (now.commit !== parent.commit) {
        if (!(await hasAll(hub, now, request))) throw moved(reference, parent.commit, now.commit);
        const url = `${hub.settings.endpoint}/${repositoryLabel(reference)}/commit/${now.commit}`;
        return { commit: now.commit, url, files: files.length };
      }
      if (attempt >= hub.retryPolicy.attempts) throw gaveUp(reference, error, attempt);
      const pause = Math.min(hub.retryPolicy.longestWaitMs, hub.retryPolicy.firstWaitMs * 2 ** attempt);
      await hub.clock.wait(Math.max(pause, error.retryAfterMs ?? 0), signal);
    }
  }
}

async function create(
  hub: Hub,
  { reference, signal }: UploadRequest,
  { private: hidden }: { private: boolean },
) {
  const { type, repo } = reference;
  // 409: it exists already, which is as good.
  const fetch = hubFetch(hub, reference, { pass: [409], signal });
  const isThere: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    return response.status === 409 ? Response.json({ url: '', id: '' }) : response;
  };
  const wanted: Parameters<typeof createRepo>[0] = {
    repo: { type, name: repo },
    visibility: hidden ? 'private' : 'public',
    hubUrl: hub.settings.endpoint,
    fetch: isThere,
    ...WITHOUT_TOKEN,
    ...(type === 'space' ? { sdk: 'static' as const } : {}),
  };
  await asked(reference, () => createRepo(wanted), signal);
  if (reference.revision === 'main') return;
  const branch: Parameters<typeof createBranch>[0] = {
    repo: { type, name: repo },
    branch: reference.revision,
    hubUrl: hub.settings.endpoint,
    fetch: isThere,
  };
  await asked(reference, () => createBranch(branch), signal);
}

/** The token is added by the transport, for the endpoint alone; the library needs not know it. */
const WITHOUT_TOKEN = { accessToken: 'hf_' } as const;

async function commitOnce(hub: Hub, request: UploadRequest, parent: PinnedReference): Promise<CommitOutput> {
  const { reference, files, title, description, signal, onProgress } = request;
  const params: CommitParams = {
    repo: { type: reference.type, name: reference.repo },
    title,
    branch: reference.revision,
    isPullRequest: request.pullRequest ?? false,
    parentCommit: parent.commit,
    operations: [
      ...files.map(({ path, source }) => ({
        operation: 'addOrUpdate' as const,
        path,
        content: pathToFileURL(source),
      })),
      ...(await removable(hub, request, parent)).map((path) => ({ operation: 'delete' as const, path })),
    ],
    hubUrl: hub.settings.endpoint,
    fetch: hubFetch(hub, reference, { signal, once: (url) => url.pathname.includes('/commit/') }),
    // Plain large-file storage: every step of it is a request that this program sees and can repeat.
    useXet: false,
    ...(description === undefined ? {} : { description }),
    ...(signal ? { abortSignal: signal } : {}),
  };
  const events = commitIter(params);
  for (;;) {
    const { done, value } = await asked(reference, () => events.next(), signal);
    if (!done) {
      if (value.event === 'fileProgress' && value.state !== 'error')
        onProgress?.({ path: value.path, state: value.state, fraction: value.progress });
    } else if (value) return value;
    else throw new Transient('a commit without an answer');
  }
}

/** Of what is to be removed, the files that a commit has. */
async function removable(
  hub: Hub,
  { files: sent, remove = [], signal }: UploadRequest,
  at: PinnedReference,
): Promise<string[]> {
  if (remove.length === 0) return [];
  const files = await listRepository(hub, at, signal);
  const goes = (path: string): boolean =>
    remove.some((name) => (name.endsWith('/') ? path.startsWith(name) : path === name));
  const stays = new Set(sent.map(({ path }) => path));
  return files.map(({ path }) => path).filter((path) => goes(path) && !stays.has(path));
}

/** Whether a commit has the files as they are here, and none that was to be removed. */
async function hasAll(hub: Hub, at: PinnedReference, request: UploadRequest): Promise<boolean> {
  const { files, signal } = request;
  if ((await removable(hub, request, at)).length > 0) return false;
  const question = {
    repo: { type: at.type, name: at.repo },
    revision: at.commit,
    paths: files.map((file) => file.path),
    hubUrl: hub.settings.endpoint,
    fetch: hubFetch(hub, pinnedSubject(at, null), { signal }),
  };
  const entries = await asked(at, () => pathsInfo(question), signal);
  const byPath = new Map(entries.map((entry) => [entry.path, entry]));
  for (const { path, source } of files) {
    const entry = byPath.get(path);
    const listed = entry?.lfs?.oid ?? entry?.oid;
    if (listed !== (await contentHash(source, entry?.lfs ? 'sha256' : 'git-sha1'))) return false;
  }
  return true;
}

function noToken(hub: Hub, reference: HubReference): UserError {
  return new UserError({
    thing: `upload to ${repositoryLabel(reference)}`,
    found: 'no token',
    expected: 'a token that may write',
    next: `Create one at ${hub.settings.endpoint}/settings/tokens and set HF_TOKEN; nothing was sent.`,
  });
}

function moved(reference: HubReference, from: string, to: string): UnavailableError {
  return new UnavailableError({
    thing: `upload to ${formatReference(reference)}`,
    found: `that the branch went from ${from.slice(0, 8)} to ${to.slice(0, 8)} meanwhile`,
    expected: 'nobody else to commit at the same time',
    next: 'Look at what was committed, then run again.',
  });
}

function unanswered(hub: Hub, reference: HubReference, last: Transient): UnavailableError {
  return new UnavailableError(
    {
      thing: `pull request to ${formatReference(reference)}`,
      found: last.message,
      expected: 'an answer',
      next: `Look whether it was opened, at ${hub.settings.endpoint}/${repositoryLabel(reference)}/discussions, before you run again.`,
    },
    { cause: last },
  );
}

function gaveUp(reference: HubReference, last: Transient, attempts: number): UnavailableError {
  return new UnavailableError(
    {
      thing: `upload to ${formatReference(reference)}`,
      found: `${last.message} (${attempts} attempts); the branch has not moved`,
      expected: 'an answer to the commit',
      next: 'Run the same command again later: large files that arrived are not sent again.',
    },
    { cause: last },
  );
}
