/**
 * One owner of a folder at a time, among all processes of all machines that see it.
 *
 * The lock is a folder `lock` that holds one file, named by a token of its owner. It is made under
 * another name and renamed into place: rename puts it where nothing or an empty folder is, and refuses where a lock
 * with an owner is, in one step of the (network) file system, so that of any number of processes one succeeds. It
 * does not rest on O_EXCL, which some network file systems only imitate. An owner that is gone is removed by its
 * token, never by the name `lock`: whoever took the lock meanwhile has another token, and nothing happens to it.
 *
 * Whether an owner is gone is known at once where it ran on this machine (a process of its number is there, with the same start).
 * Of another machine it is told by a heartbeat: the owner writes its file anew every few seconds, and both times that
 * are compared, that of its file and that of one just written here, are the file system's, so that clocks of machines
 * do not matter. An owner that slept so long that it was taken for dead learns it at its next heartbeat.
 *
 * A file system that cannot rename folders in one step (some object stores mounted as folders) gives no such
 * guarantee, and no lock could.
 */
import { mkdir, open, readdir, readFile, rename, rm, rmdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { quote, UnavailableError } from '../errors.ts';
import { isRunning, type Machine, processToken, thisMachine } from './process-identity.ts';
import { refusedWrite } from './refused-write.ts';

export interface Ownership {
  /** Aborts when another process took this one for dead: what is still written may then meet that one's files. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

export interface OwnerOptions {
  /** Milliseconds to wait for another owner to let go; default 0. */
  patience?: number;
  /** For tests; default the one this is. */
  machine?: Machine;
  /** Milliseconds between heartbeats, and without one until an owner elsewhere is taken for dead. */
  heartbeat?: { every: number; dead: number };
}

const HEARTBEAT = { every: 10_000, dead: 90_000 };
const LOCK = 'lock';
/** A lock that is being made. */
const MADE = /^lock\.[0-9a-f]{8}-\d{1,10}-[0-9a-f]{16}$/;
/** What is being made may vanish so often. */
const VANISHED_LIMIT = 20;
/** Between two looks at a lock that another process holds: first, and later at most. */
const LOOK_MS = { first: 5, most: 200 };

/** What an owner writes about itself: for whoever reads the message. */
const ownerSchema = z.object({ host: z.string(), pid: z.int() });

/**
 * Takes a folder, which is made where it is not there.
 *
 * @throws UnavailableError when another process owns it, or the folder cannot be written
 */
export async function ownFolder(folder: string, options: OwnerOptions = {}): Promise<Ownership> {
  const { patience = 0, machine = thisMachine, heartbeat = HEARTBEAT } = options;
  const until = performance.now() + patience;
  const token = processToken(machine);
  const lock = join(folder, LOCK);
  const made = `${lock}.${token}`;
  try {
    for (let vanished = 0, look = LOOK_MS.first; ; look = Math.min(1.5 * look, LOOK_MS.most)) {
      try {
        await make(made, token, machine);
        if (await takes(made, lock, token)) break;
        // Its time is what the owner's heartbeat is compared with.
        const { mtimeMs: now } = await beat(join(made, token));
        const owner = await ownerOf(lock, machine, now - heartbeat.dead);
        if (owner !== undefined && performance.now() >= until) throw taken(folder, owner);
        if (owner !== undefined) await wait(look);
      } catch (error) {
        // An owner that empties the folder may take what is being made for a leftover: it is made again.
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || ++vanished > VANISHED_LIMIT) throw error;
      }
    }
  } catch (cause) {
    await rm(made, { recursive: true, force: true }).catch(() => undefined);
    throw cause instanceof UnavailableError ? cause : unwritable(folder, cause);
  }
  const { mtimeMs: now } = await stat(join(lock, token));
  await sweep(folder, machine, now - heartbeat.dead);
  return ownership(lock, token, heartbeat.every);
}

/**
 * Whether a process seems to be at work in a folder, for whoever only wants to know. Of an owner on another machine that
 * is told by its heartbeat and this machine's clock.
 */
export async function isOwned(folder: string, machine: Machine = thisMachine): Promise<boolean> {
  const lock = join(folder, LOCK);
  for (const name of await readdir(lock).catch(() => [])) {
    const running = isRunning(name, machine);
    if (running === true) return true;
    const beaten = await stat(join(lock, name)).catch(() => undefined);
    if (running === null && beaten !== undefined && beaten.mtimeMs > Date.now() - HEARTBEAT.dead) return true;
  }
  return false;
}

/** Does something while the folder is owned. */
export async function whileOwned<T>(
  folder: string,
  use: () => Promise<T>,
  options?: OwnerOptions,
): Promise<T> {
  const owned = await ownFolder(folder, options);
  try {
    return await use();
  } finally {
    await owned.release();
  }
}

/** Removes everything from a folder that is owned but what its lock is made of. */
export async function emptyOwned(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name !== LOCK && !MADE.test(name)) await rm(join(folder, name), { recursive: true, force: true });
  }
}

/** Locks that were being made by processes that are gone. */
async function sweep(folder: string, machine: Machine, alive: number): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const made = join(folder, name);
    if (!MADE.test(name) || isRunning(name.slice(LOCK.length + 1), machine) === true) continue;
    if ((await ownerOf(made, machine, alive)) !== undefined) continue;
    await rmdir(made).catch(() => undefined);
  }
}

async function make(made: string, token: string, machine: Machine): Promise<void> {
  await mkdir(made, { recursive: true });
  const file = await open(join(made, token), 'a');
  try {
    if ((await file.stat()).size > 0) return;
    await file.writeFile(JSON.stringify({ host: machine.host, pid: machine.pid }));
    await file.sync();
  } finally {
    await file.close();
  }
}

async function takes(made: string, lock: string, token: string): Promise<boolean> {
  try {
    // Windows renames onto no folder at all; elsewhere an empty one may stay for a moment too.
    await rmdir(lock).catch(() => undefined);
    await rename(made, lock);
  } catch {
    // It may have failed, or have happened with its answer lost: what is there says which.
  }
  return (await stat(join(lock, token)).catch(() => undefined)) !== undefined;
}

function ownership(lock: string, token: string, every: number): Ownership {
  const file = join(lock, token);
  const lost = new AbortController();
  let beating: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    beating = beat(file).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') return;
      clearInterval(timer);
      lost.abort();
    });
  }, every);
  timer.unref();
  return {
    lost: lost.signal,
    async release() {
      clearInterval(timer);
      await beating;
      await unlink(file).catch(() => undefined);
      await rmdir(lock).catch(() => undefined);
    },
  };
}

/** Writes a byte of a file as it is: the file system notes the time. */
async function beat(file: string): Promise<{ mtimeMs: number }> {
  const handle = await open(file, 'r+');
  try {
    await handle.write('{', 0);
    return await handle.stat();
  } finally {
    await handle.close();
  }
}

/**
 * Whose lock it is; undefined where it is nobody's (any more), after which taking it may succeed.
 *
 * @param alive the time of the file system after which a heartbeat shows that an owner elsewhere lives
 */
async function ownerOf(lock: string, machine: Machine, alive: number): Promise<string | undefined> {
  const names = await readdir(lock).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    if (error.code === 'ENOTDIR') return null;
    throw error;
  });
  if (names === null) return earlierOwner(lock, machine);
  for (const name of names) {
    const file = join(lock, name);
    const [text, info] = await Promise.all([
      readFile(file, 'utf8').catch(() => undefined),
      stat(file).catch(() => undefined),
    ]);
    // It was let go of in between.
    if (text === undefined || info === undefined) continue;
    if (isRunning(name, machine) ?? info.mtimeMs > alive) return nameOf(text, machine);
    await unlink(file).catch(() => undefined);
  }
  return undefined;
}

/** The lock of a version before this one: a file with a process number. Unlinking it does nothing to a folder. */
async function earlierOwner(lock: string, machine: Machine): Promise<string | undefined> {
  const pid = Number((await readFile(lock, 'utf8').catch(() => '')).trim());
  if (pid !== machine.pid && machine.startOf(pid) !== undefined) return `process ${pid}`;
  await unlink(lock).catch(() => undefined);
  return undefined;
}

/** @param text what the owner wrote about itself */
function nameOf(text: string, machine: Machine): string {
  try {
    const { host, pid } = ownerSchema.parse(JSON.parse(text));
    return host === machine.host ? `process ${pid}` : `process ${pid} of host ${quote(host.split(' ')[0]!)}`;
  } catch {
    return 'an owner that cannot be read';
  }
}

function taken(folder: string, owner: string): UnavailableError {
  return new UnavailableError({
    thing: folder,
    found: `${owner} at work there`,
    expected: 'one process at a time',
    next: 'Wait for it, stop it, or choose another name or place.',
  });
}

function unwritable(folder: string, cause: unknown): UnavailableError {
  const { next, ...refused } = refusedWrite(cause);
  return new UnavailableError({ thing: folder, ...refused, next: `${next}.` }, { cause });
}
