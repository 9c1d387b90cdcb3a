/**
 * A run's own folder: `run.json` (what it is and how far it got), `checkpoints/`, the SAEs, the exports and the
 * records. One process at a time works in it (io/folder-owner.ts).
 */
import { mkdir, readFile, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { MalformedError } from '../../errors.ts';
import { emptyOwned, ownFolder } from '../../io/folder-owner.ts';
import { sha256 } from '../../io/hash.ts';
import { sweepAbandoned } from '../../io/temporary-name.ts';
import { writeAtomic } from '../../io/write-atomic.ts';

export const RUN_SCHEMA = 'interpboard.run/2';

const stateSchema = z.strictObject({
  schema: z.literal(RUN_SCHEMA),
  /** Hashes of what the run's results follow from: see identity.ts. */
  identity: z.strictObject({ trained: z.string(), evaluated: z.string(), model: z.string() }),
  config: z.record(z.string(), z.unknown()),
  stage: z.enum(['training', 'evaluating', 'comparing', 'releasing', 'done']),
  /** The `evaluated` identity whose text was looked through before training. */
  checked: z.string().optional(),
  started: z.iso.datetime(),
  /** Set where the folder holds a part of a run. */
  shard: z
    .strictObject({ index: z.int().positive(), of: z.int().positive(), saes: z.array(z.string()) })
    .optional(),
  /** Set where the folder was joined from so many shards. */
  merged: z.int().positive().optional(),
  /** Set where the run was told to start over: it takes no state from its repository. */
  fresh: z.literal(true).optional(),
  /** Seconds of work in each stage, over all sessions of the run. */
  seconds: z.strictObject({ training: z.number(), evaluating: z.number() }),
});

export type RunState = z.infer<typeof stateSchema>;

export interface RunFolder {
  path: string;
  /** The state found, or undefined for a new run and for one of which nothing was saved. */
  found: RunState | undefined;
  save(state: RunState): Promise<void>;
  /** Aborts when another process took this one for dead, and may work in the folder now. */
  lost: AbortSignal;
  release(): Promise<void>;
}

/**
 * Opens a run's folder for work.
 *
 * @throws UnavailableError when another process works in it, or it cannot be written
 * @throws MalformedError when run.json is damaged
 */
export async function openRunFolder(path: string): Promise<RunFolder> {
  // A folder that cannot be made is reported when it is taken below.
  const made = await mkdir(path, { recursive: true }).catch(() => undefined);
  const owned = await ownFolder(path);
  const release = async (): Promise<void> => {
    await owned.release();
    if (made !== undefined) await removeEmpty(path, made);
  };
  try {
    await sweepAbandoned(path);
    const found = await readState(join(path, 'run.json'));
    return {
      path,
      found,
      save: (state) => writeState(path, state),
      lost: owned.lost,
      release,
    };
  } catch (error) {
    await release();
    throw error;
  }
}

/**
 * Deletes a run's folder, whatever state it is in.
 *
 * @throws UnavailableError when another process works in it
 */
export async function discardRunFolder(path: string): Promise<void> {
  const owned = await ownFolder(path);
  try {
    await emptyOwned(path);
  } finally {
    await owned.release();
  }
  // Another one may have taken it meanwhile.
  await rmdir(path).catch(() => undefined);
}

/** Removes the folders from `path` up to `top` that hold nothing: a command that saved nothing leaves nothing. */
async function removeEmpty(path: string, top: string): Promise<void> {
  for (let at = path; at.length >= top.length; at = dirname(at)) {
    const removed = await rmdir(at).then(
      () => true,
      () => false,
    );
    if (!removed) return;
  }
}

/**
 * How far a run got, whoever is at work in its folder; undefined where nothing is saved.
 *
 * @throws MalformedError when run.json is damaged
 */
export function readRunState(folder: string): Promise<RunState | undefined> {
  return readState(join(folder, 'run.json'));
}

export async function writeState(folder: string, state: RunState): Promise<void> {
  await writeAtomic(join(folder, 'run.json'), textOf(state));
}

/** The state and a checksum of it: what a disk or an editor changed is not gone on from. */
function textOf(state: RunState): string {
  const checksum = sha256(JSON.stringify(state, null, 2));
  return `${JSON.stringify({ ...state, checksum }, null, 2)}\n`;
}

async function readState(path: string): Promise<RunState | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    parsed = undefined;
  }
  const state = stateSchema.extend({ checksum: z.string() }).safeParse(parsed);
  if (state.success) {
    const { checksum: _, ...found } = state.data;
    // In the order it was written in, which the schema does not keep.
    const { checksum: __, ...written } = parsed as RunState & { checksum: string };
    if (text === textOf(written)) return found;
    throw new MalformedError({
      thing: path,
      found: 'contents that its checksum does not fit',
      expected: 'the state of the run as it was saved',
      next: 'Start over with --fresh, or give the run another --name.',
    });
  }
  if ((parsed as { schema?: unknown } | null | undefined)?.schema === 'interpboard.run/1') {
    throw new MalformedError({
      thing: path,
      found: 'the state of a run of an earlier version',
      expected: 'one of this version',
      next: 'Give the run another --name (with --sae=FOLDER it measures the SAEs there), or start over with --fresh.',
    });
  }
  const issue = state.error.issues[0];
  throw new MalformedError({
    thing: path,
    found: issue === undefined ? 'another shape' : `${issue.path.join('.') || 'the file'}: ${issue.message}`,
    expected: 'the state of a run as this version writes it',
    next: 'Start over with --fresh, or give the run another --name.',
  });
}
