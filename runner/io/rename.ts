/**
 * Renames what was just written. On Windows a scanner or an indexer may hold a new file or folder open for a moment, and
 * the rename fails though nothing is wrong: it is tried again for two seconds. Elsewhere the first answer is final.
 */
import { rename as systemRename } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';

const PATIENCE_MS = 2_000;
const FIRST_WAIT_MS = 10;
/** What Windows says of a file that somebody holds, and of one that may never be written alike. */
const HELD = new Set(['EPERM', 'EBUSY', 'EACCES']);

/** What a rename asks of the system; another one stands for Windows in tests. */
export interface RenameSystem {
  platform: NodeJS.Platform;
  rename(from: string, to: string): Promise<void>;
  wait(milliseconds: number): Promise<unknown>;
}

const thisSystem: RenameSystem = { platform: process.platform, rename: systemRename, wait };

/** @throws the system's error when the rename fails for another reason, or still does after two seconds */
export async function rename(from: string, to: string, system: RenameSystem = thisSystem): Promise<void> {
  for (let waited = 0, next = FIRST_WAIT_MS; ; waited += next, next *= 2) {
    try {
      return await system.rename(from, to);
    } catch (error) {
      const held = HELD.has((error as NodeJS.ErrnoException).code ?? '');
      if (system.platform !== 'win32' || !held || waited >= PATIENCE_MS) throw error;
    }
    await system.wait(next);
  }
}
