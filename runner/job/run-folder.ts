/**
 * A run's own folder: `run.json` (what it is and how far it got), `checkpoints/`, the SAEs, the exports and the
 * records. One process at a time works in it, held by `lock`.
 */
import { mkdir, readFile, rm, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { MalformedError, UnavailableError, UserError } from '../errors.ts';
import { writeJsonAtomic } from '../io/write-atomic.ts';
import type { RunIdentity } from './identity.ts';

const stateSchema = z.strictObject({
  schema: z.literal('interpboard.run/1'),
  /** Hashes of what the run's results follow from: its settings, and the model's files. */
  identity: z.strictObject({ config: z.string(), model: z.string() }),
  config: z.record(z.string(), z.unknown()),
  stage: z.enum(['training', 'evaluating', 'releasing', 'done']),
  started: z.iso.datetime(),
  /** Set where the run was told to start over: it takes no state from its repository. */
  fresh: z.literal(true).optional(),
  /** Seconds of work in each stage, over all sessions of the run. */
  seconds: z.strictObject({ training: z.number(), evaluating: z.number() }),
});

export type RunState = z.infer<typeof stateSchema>;

export interface RunFolder {
  path: string;
  /** The state found, or undefined for a new run. */
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
  await makeFolder(path);
  const lock = join(path, 'lock');
  await takeLock(lock);
  try {
    const found = await readState(join(path, 'run.json'));
    return {
      path,
      found,
      save: (state) => writeJsonAtomic(join(path, 'run.json'), state),
      release: () => rm(lock, { force: true }),
    };
  } catch (error) {
    await rm(lock, { force: true });
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

/** @throws UserError when the folder holds a run of another configuration */
export function checkIdentity(run: RunFolder, identity: RunIdentity): void {
  if (run.found === undefined) return;
  const { config, model } = run.found.identity;
  if (config === identity.config && model === identity.model) return;
  throw new UserError({
    thing: `run folder ${run.path}`,
    found: config === identity.config ? 'a run on other model files' : 'a run with other settings',
    expected: 'those it was started with',
    next: 'Give this run its own --name, or start over with --fresh.',
  });
}

async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true }).catch((cause: unknown) => {
    throw new UnavailableError({
      thing: path,
      found: cause instanceof Error ? cause.message : String(cause),
      expected: 'a writable folder',
      next: 'Choose another place with --runs.',
    });
  });
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
  const issue = state.error.issues[0];
  throw new MalformedError({
    thing: path,
    found: issue === undefined ? 'another shape' : `${issue.path.join('.') || 'the file'}: ${issue.message}`,
    expected: 'the state of a run as this version writes it',
    next: 'Start over with --fresh, or give the run another --name.',
  });
}
