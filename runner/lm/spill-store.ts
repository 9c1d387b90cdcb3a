/**
 * Residuals that wait in memory as long as they fit, and on disk beyond that: a file each, written once, read once,
 * and removed when it is read. Files hold the numbers and nothing else; what they are, and the checksum that reading
 * them is held to, stays in memory, because they mean nothing to another process. A folder left by one that was
 * killed is emptied when the next store opens there.
 *
 * They are written and read whole: the system keeps recent files in its page cache, so that mapping them would save
 * nothing.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { UnavailableError } from '../errors.ts';
import { fromFloat32, toFloat32 } from '../formats/number-types.ts';
import { refusedWrite } from '../io/refused-write.ts';
import type { ResidualStore } from './residual-store.ts';

export interface SpillOptions {
  /** A folder of the store's own: whatever is in it is removed. */
  folder: string;
  /** Bytes kept in memory before residuals go to disk. */
  memory: number;
  /** Number type on disk: F32 keeps every bit, BF16 halves the room and rounds. Default F32. */
  type?: 'F32' | 'BF16';
}

type Kept =
  | { on: 'memory'; residual: Float32Array }
  | { on: 'disk'; file: string; bytes: number; checksum: number };

/**
 * @throws UnavailableError when the folder cannot be made
 */
export async function spillStore({ folder, memory, type = 'F32' }: SpillOptions): Promise<ResidualStore> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw unwritable(folder, cause);
  });
  const kept = new Map<string, Kept>();
  let inMemory = 0;
  let files = 0;

  async function put(key: string, residual: Float32Array): Promise<void> {
    if (kept.has(key)) throw new RangeError(`a residual ${key} is kept already`);
    if (inMemory + residual.byteLength <= memory) {
      inMemory += residual.byteLength;
      kept.set(key, { on: 'memory', residual });
      return;
    }
    const bytes = fromFloat32(type, residual);
    const file = join(folder, `${files++}.residual`);
    try {
      await writeFile(file, bytes, { flag: 'wx' });
    } catch (cause) {
      await rm(file, { force: true }).catch(() => undefined);
      throw unwritable(file, cause);
    }
    kept.set(key, { on: 'disk', file, bytes: bytes.byteLength, checksum: crc32(bytes) });
  }

  async function take(key: string): Promise<Float32Array> {
    const found = kept.get(key);
    if (found === undefined) throw new RangeError(`no residual ${key} is kept`);
    kept.delete(key);
    if (found.on === 'memory') {
      inMemory -= found.residual.byteLength;
      return found.residual;
    }
    const { file, bytes: expected, checksum } = found;
    const bytes = await readFile(file).catch((cause: unknown) => {
      throw damaged(file, cause instanceof Error ? cause.message : String(cause));
    });
    if (bytes.byteLength !== expected) throw damaged(file, `${bytes.byteLength} of ${expected} bytes`);
    if (crc32(bytes) !== checksum) throw damaged(file, 'another checksum than when it was written');
    await rm(file, { force: true });
    return toFloat32(type, bytes);
  }

  return {
    put,
    take,
    async close() {
      kept.clear();
      inMemory = 0;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function unwritable(path: string, cause: unknown): UnavailableError {
  const { next, ...refused } = refusedWrite(cause);
  return new UnavailableError(
    {
      thing: `${path} (residuals between segments)`,
      ...refused,
      next: `${next}, give more --memory, or evaluate fewer tokens (npx interpboard plan shows the arithmetic).`,
    },
    { cause },
  );
}

function damaged(file: string, found: string): UnavailableError {
  return new UnavailableError({
    thing: file,
    found,
    expected: 'the residual as this process wrote it',
    next: 'Make sure that nothing else writes there, check the disk, then run again.',
  });
}
