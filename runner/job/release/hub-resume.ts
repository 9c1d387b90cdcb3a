/**
 * Takes up a run from the state it left in its repository, on a machine that has none of it. All that comes from there
 * is held to limits that follow from this run's own settings before it is fetched, and to hashes before it is used.
 */
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import { MalformedError, quote } from '../../errors.ts';
import type { DownloadProgress } from '../../hub/download.ts';
import { downloadInto } from '../../hub/download-into.ts';
import { formatReference, type HubReference } from '../../hub/reference.ts';
import { Refusal } from '../../hub/refusals.ts';
import {
  listRepository,
  type PinnedReference,
  pinnedSubject,
  pinReference,
  type RepositoryFile,
} from '../../hub/repository.ts';
import type { Hub } from '../../hub/transport.ts';
import { checkpointStore, MANIFEST, manifestSchema } from '../../train/checkpoint.ts';
import { isPinOfPlace } from '../shared/pinned-text.ts';
import { type ResumeStamp, resumeStamp, STAMP } from './resume-stamp.ts';

/** Folder of a run's repository that holds what resuming needs. */
export const RESUME = 'resume';

/** Longest list of a checkpoint's files, and of what a checkpoint says of its run. */
const SMALL_FILE_LIMIT = 2 ** 20;

export interface HubResume {
  at: PinnedReference;
  stamp: ResumeStamp;
  /** What lies in the folder, by name. */
  files: ReadonlyMap<string, RepositoryFile>;
}

export interface CheckpointLimits {
  /** Without these it is not whole. */
  needed: ReadonlyMap<string, number>;
  others: ReadonlyMap<string, number>;
}

export interface Fetching {
  hub: Hub;
  /** The run's. */
  folder: string;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: DownloadProgress) => void) | undefined;
}

/**
 * What a repository holds of a run in training; undefined where there is no such repository, or no state in it.
 *
 * @throws MalformedError when the state is not one that this version wrote; UserError, UnavailableError as asking the
 *   hub does
 */
export async function findResume(
  fetching: Fetching,
  repository: HubReference,
): Promise<HubResume | undefined> {
  const { hub, signal } = fetching;
  const at = await pinnedIfThere(hub, { ...repository, path: null }, signal);
  if (at === undefined) return undefined;
  const files = new Map<string, RepositoryFile>();
  for (const file of await listRepository(hub, at, signal)) {
    if (file.path.startsWith(`${RESUME}/`)) files.set(file.path.slice(RESUME.length + 1), file);
  }
  if (!files.has(MANIFEST)) return undefined;
  const stamp = await readSmall(fetching, at, files, STAMP, resumeStamp);
  checkPins(at, stamp);
  return { at, stamp, files };
}

/**
 * Fetches that state and makes it the run's only checkpoint. What has come is kept when it is cut off.
 *
 * @param found of this run: see `checkStamp`
 * @param limits files that a checkpoint of the run has and may have, each with the bytes it may take
 * @throws MalformedError when files are missing, too large, or other than they are listed; UnavailableError without
 *   room, or when the hub does not answer
 */
export async function fetchResume(
  fetching: Fetching,
  found: HubResume,
  limits: CheckpointLimits,
): Promise<void> {
  const { hub, folder, signal, onProgress } = fetching;
  const { at, files } = found;
  const manifest = await readSmall(fetching, at, files, MANIFEST, manifestSchema);
  const needed = new Map([...limits.needed, [STAMP, SMALL_FILE_LIMIT]]);
  const allowed = new Map([...needed, ...limits.others]);
  const missing = [...needed.keys()].find((name) => !(name in manifest.files));
  if (missing !== undefined) throw notOurs(at, `no ${missing}`, 'a file per SAE, and the state');
  const wanted: RepositoryFile[] = [];
  for (const [name, { bytes }] of Object.entries(manifest.files)) {
    const limit = allowed.get(name);
    const file = files.get(name);
    if (limit === undefined) throw notOurs(at, `a file ${quote(name)}`, 'those of a checkpoint of this run');
    if (file?.size !== bytes || bytes > limit)
      throw notOurs(
        at,
        `${name} of ${file?.size ?? 'no'} bytes, in its list ${bytes}`,
        `what its list says, at most ${limit}`,
      );
    wanted.push(file);
  }
  const place = placeOf(folder, at);
  await downloadInto(hub, at, wanted, place, nameOf, { signal, onProgress });
  await checkpointStore(join(folder, 'checkpoints')).adopt(place);
  await rm(join(folder, 'resuming'), { recursive: true, force: true });
}

/** Where the files of a commit wait until they are whole. */
function placeOf(folder: string, { commit }: PinnedReference): string {
  return join(folder, 'resuming', commit);
}

function nameOf(path: string): string {
  return path.slice(RESUME.length + 1);
}

async function readSmall<T>(
  { hub, folder, signal }: Fetching,
  at: PinnedReference,
  files: HubResume['files'],
  name: string,
  schema: z.ZodType<T>,
): Promise<T> {
  const file = files.get(name);
  if (file === undefined || file.size > SMALL_FILE_LIMIT)
    throw notOurs(
      at,
      file === undefined ? `no ${name}` : `${name} of ${file.size} bytes`,
      `at most ${SMALL_FILE_LIMIT}`,
    );
  const place = placeOf(folder, at);
  // What an earlier try fetched of a commit that the branch has left is of no use.
  await mkdir(join(folder, 'resuming'), { recursive: true });
  for (const other of await readdir(join(folder, 'resuming')))
    if (other !== at.commit) await rm(join(folder, 'resuming', other), { recursive: true, force: true });
  await downloadInto(hub, at, [file], place, nameOf, { signal });
  let raw: unknown;
  try {
    raw = JSON.parse(await readFile(join(place, name), 'utf8'));
  } catch {
    throw notOurs(at, `${name} that is no JSON`, 'the state of a run');
  }
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw notOurs(
    at,
    `${name}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? 'another shape'}`,
    'the state of a run as this version writes it',
  );
}

/** Which text is read is this run's own to say. */
function checkPins(at: PinnedReference, { text }: ResumeStamp): void {
  for (const pin of text) {
    if (isPinOfPlace(pin)) continue;
    throw notOurs(at, `${quote(pin.data)} for ${quote(pin.given)}`, 'the same files at a commit');
  }
}

/** At its commit; undefined where there is no such repository or branch. @throws as asking the hub does */
export async function pinnedIfThere(
  hub: Hub,
  reference: HubReference,
  signal?: AbortSignal,
): Promise<PinnedReference | undefined> {
  try {
    return await pinReference(hub, reference, signal);
  } catch (error) {
    const refused = error instanceof Error && error.cause instanceof Refusal ? error.cause : undefined;
    if (refused?.status === 404 || refused?.code === 'RepoNotFound') return undefined;
    throw error;
  }
}

function notOurs(at: PinnedReference, found: string, expected: string): MalformedError {
  return new MalformedError({
    thing: formatReference(pinnedSubject(at, `${RESUME}/`)),
    found,
    expected,
    next: 'Look at that folder, or start over with --fresh: the first upload replaces it.',
  });
}
