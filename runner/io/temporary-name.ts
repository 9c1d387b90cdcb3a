/**
 * Names of files that are not whole yet. They say who writes them (`<name>.<token of the process>.<ending>`), so that
 * what a killed process left is told from what another one is at.
 */
import { readdir, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isRunning, processToken, shortHash } from './process-identity.ts';

/** A file of another machine's process that nobody has written to for so long is nobody's. */
const DEAD_MS = 3_600_000;
const OWNED = /\.([0-9a-f]{8}-\d{1,10}-[0-9a-f]{16})\.(?:tmp|incomplete)$/;
/** As versions before this one named them. */
const EARLIER = /\.\d{1,10}\.[0-9a-f]{8}\.tmp$/;

/** Bytes that a file system leaves to the start of such a name: it holds 255 in all. */
const LONGEST_START = 190;

export function temporaryName(path: string, ending: 'tmp' | 'incomplete' = 'tmp'): string {
  const name = basename(path);
  const start = Buffer.byteLength(name) <= LONGEST_START ? name : `long-${shortHash(name)}`;
  return join(dirname(path), `${start}.${processToken()}.${ending}`);
}

/** Whether a file has such a name, and its process is gone. */
export async function isAbandoned(path: string): Promise<boolean> {
  const token = OWNED.exec(path)?.[1];
  if (token === undefined && !EARLIER.test(path)) return false;
  const running = token === undefined ? null : isRunning(token);
  if (running !== null) return !running;
  const info = await stat(path).catch(() => undefined);
  return info !== undefined && Date.now() - info.mtimeMs > DEAD_MS;
}

/**
 * Removes from a folder, and those in it, files and folders that killed processes left half-made. Parts of downloads
 * whose name says no process (`<name>.incomplete`) are there to go on from, and stay.
 */
export async function sweepAbandoned(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    const path = join(folder, entry.name);
    if (/\.(?:tmp|incomplete)$/.test(entry.name)) {
      if (await isAbandoned(path)) await rm(path, { recursive: true, force: true }).catch(() => undefined);
    } else if (entry.isDirectory()) await sweepAbandoned(path);
  }
}
