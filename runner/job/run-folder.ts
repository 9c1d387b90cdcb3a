/**
 * A run's own folder: `run.json` (what it is and how far it got), `checkpoints/`, the SAEs, the exports and the
 * records. One process at a time works in it, held by `lock`.
 */
import { mkdir, readFile, rm, rmdir, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { MalformedError, UnavailableError } from '../errors.ts';
import { writeJsonAtomic } from '../io/write-atomic.ts';

export const RUN_SCHEMA = 'interpboard.run/2';

const stateSchema = z.strictObject({
  schema: z.literal(RUN_SCHEMA),
  /** Hashes of what the run's results follow from: see identity.ts. */
  identity: z.strictObject({ trained: z.string(), evaluated: z.string(), model: z.string() }),
  config: z.record(z.string(), z.unknown()),
  stage: z.enum(['training', 'evaluating', 'releasing', 'done']),
  /** The `evaluated` identity whose text was looked through before training. */
  checked: z.string().optional(),
  started: z.iso.datetime(),
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
  release(): Promise<void>;
}

/**
 * Opens a run's folder for work.
 *
 * @throws UnavailableError when another process works in it
 * @throws MalformedError when run.json is damaged
 */
export async function openRunFolder(path: string): Promise<RunFolder> {
  const made = await makeFolder(path);
  const lock = join(path, 'lock');
  await takeLock(lock);
  const release = async (): Promise<void> => {
    await rm(lock, { force: true });
    if (made !== undefined) await removeEmpty(path, made);
  };
  try {
    const found = await readState(join(path, 'run.json'));
    return {
      path,
      found,
      save: (state) => writeJsonAtomic(join(path, 'run.json'), state),
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
  await makeFolder(path);
  await takeLock(join(path, 'lock'));
  await rm(path, { recursive: true, force: true });
}

/** @returns the first folder that was not there before */
async function makeFolder(path: string): Promise<string | undefined> {
  return mkdir(path, { recursive: true }).catch((cause: unknown) => {
    throw new UnavailableError({
      thing: path,
      found: cause instanceof Error ? cause.message : String(cause),
      expected: 'a writable folder',
      next: 'Choose another place with --runs.',
    });
  });
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

async function takeLock(lock: string): Promise<void> {
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      await writeFile(lock, `${process.pid}\n`, { flag: 'wx' });
      return;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') {
        throw new UnavailableError({
          thing: lock,
          found: cause instanceof Error ? cause.message : String(cause),
          expected: 'a writable run folder',
          next: 'Choose another place with --runs.',
        });
      }
    }
    const owner = Number((await readFile(lock, 'utf8').catch(() => '')).trim());
    if (owner !== process.pid && isAlive(owner)) {
      throw new UnavailableError({
        thing: lock,
        found: `process ${owner} at work in this run`,
        expected: 'one process a run',
        next: 'Wait for it, stop it, or give this run another --name.',
      });
    }
    // Its owner is gone (killed, or the machine restarted).
    await unlink(lock).catch(() => undefined);
  }
  throw new UnavailableError({
    thing: lock,
    found: 'a lock that another process keeps taking',
    expected: 'one process a run',
    next: 'Try again.',
  });
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
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
  const state = stateSchema.safeParse(parsed);
  if (state.success) return state.data;
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
