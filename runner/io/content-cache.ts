/**
 * Results kept under a hash of everything they follow from, the program included: what an earlier version of it
 * computed is not taken for what this one would. Any number of processes may share the folder: an entry
 * appears whole or not at all (temporary name, sync, rename), what it holds is checked when it is read, and what cannot be read
 * is as good as absent. The folder stays below its limit: the entries read longest ago go first.
 */
import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { canonicalJson, sha256 } from './hash.ts';
import { rename } from './rename.ts';
import { sweepAbandoned, temporaryName } from './temporary-name.ts';

export interface ContentCache {
  /** The bytes kept under a key, the caller's own; undefined where there are none that are whole. */
  get(key: string): Promise<Uint8Array | undefined>;
  /**
   * Keeps the bytes, which must not change afterwards. It returns at once; `settled` waits for the writing. A full disk or a folder
   * that cannot be written loses the entry, not the run.
   */
  put(key: string, bytes: Uint8Array): void;
  /** Waits until everything put is written or lost. */
  settled(): Promise<void>;
  /** What happened so far. */
  readonly counts: { hits: number; misses: number; damaged: number; written: number; lost: number };
}

const MAGIC = Buffer.from('interpboard-1\0\0\0');
const HEADER = MAGIC.length + 32;
/** Bytes that wait to be written; beyond it no further entries are kept, so that memory stays flat. One alone may be larger. */
const PENDING_LIMIT = 256 << 20;

/**
 * @param program what computes the results, as `programHash` names it
 * @param limit bytes the folder may hold; what one process writes stops at half of it, so that a run does not push
 *   out what it wrote itself
 */
export async function openContentCache(
  folder: string,
  limit: number,
  program: string,
): Promise<ContentCache> {
  const counts = { hits: 0, misses: 0, damaged: 0, written: 0, lost: 0 };
  await mkdir(folder, { recursive: true }).catch(() => undefined);
  await sweepAbandoned(folder);
  let size = (await entries(folder)).reduce((sum, entry) => sum + entry.bytes, 0);
  let pending = 0;
  let own = 0;
  let last = Promise.resolve();

  async function write(key: string, bytes: Uint8Array): Promise<void> {
    const temporary = temporaryName(join(folder, key));
    try {
      const digest = createHash('sha256').update(bytes).digest();
      const file = await open(temporary, 'wx');
      try {
        for (const part of [MAGIC, digest, bytes]) await file.writeFile(part);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, join(folder, key));
      counts.written++;
      size += HEADER + bytes.byteLength;
      if (size > limit) size = await evict(folder, limit);
    } catch {
      counts.lost++;
      await rm(temporary, { force: true }).catch(() => undefined);
    } finally {
      pending -= bytes.byteLength;
    }
  }

  return {
    counts,
    async get(key) {
      const path = join(folder, nameOf(program, key));
      const found = await read(path).catch(() => undefined);
      if (found === undefined) {
        counts.misses++;
        return undefined;
      }
      const { header, bytes } = found;
      const whole =
        header.subarray(0, MAGIC.length).equals(MAGIC) &&
        createHash('sha256').update(bytes).digest().equals(header.subarray(MAGIC.length));
      if (!whole) {
        counts.damaged++;
        await rm(path, { force: true }).catch(() => undefined);
        return undefined;
      }
      counts.hits++;
      const now = new Date();
      await utimes(path, now, now).catch(() => undefined);
      return bytes;
    },
    put(key, bytes) {
      const cost = HEADER + bytes.byteLength;
      if ((pending > 0 && pending + cost > PENDING_LIMIT) || own + cost > limit / 2) {
        counts.lost++;
        return;
      }
      pending += bytes.byteLength;
      own += cost;
      last = last.then(() => write(nameOf(program, key), bytes));
    },
    settled: () => last,
  };
}

/** What was made before under this key, or is made now and kept: numbers, strings, arrays and plain objects of them. */
export async function remembered<T>(
  cache: ContentCache | undefined,
  key: string,
  make: () => T | Promise<T>,
): Promise<T> {
  const bytes = await cache?.get(key);
  if (bytes !== undefined) return deserialize(bytes) as T;
  const made = await make();
  cache?.put(key, serialize(made));
  return made;
}

/** An entry's two parts, the second at an aligned start of its own, as typed arrays need it. */
async function read(path: string): Promise<{ header: Buffer; bytes: Uint8Array }> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const header = Buffer.alloc(HEADER);
    const bytes = new Uint8Array(Math.max(0, size - HEADER));
    await file.read(header, 0, HEADER, 0);
    for (let at = 0; at < bytes.length; ) {
      const { bytesRead } = await file.read(bytes, at, bytes.length - at, HEADER + at);
      if (bytesRead === 0) break;
      at += bytesRead;
    }
    return { header, bytes };
  } finally {
    await file.close();
  }
}

function nameOf(program: string, key: string): string {
  return sha256(canonicalJson([program, key]));
}

interface Entry {
  path: string;
  bytes: number;
  used: number;
}

/** Whole entries. */
async function entries(folder: string): Promise<Entry[]> {
  const found: Entry[] = [];
  for (const name of await readdir(folder).catch(() => [] as string[])) {
    const path = join(folder, name);
    const info = await stat(path).catch(() => undefined);
    if (info === undefined || !info.isFile()) continue;
    if (/^[0-9a-f]{64}$/.test(name)) found.push({ path, bytes: info.size, used: info.mtimeMs });
  }
  return found;
}

/** Removes the entries used longest ago until nine tenths of the limit are left; gives the size then. */
async function evict(folder: string, limit: number): Promise<number> {
  const found = (await entries(folder)).sort((a, b) => a.used - b.used);
  let size = found.reduce((sum, entry) => sum + entry.bytes, 0);
  for (const { path, bytes } of found) {
    if (size <= 0.9 * limit) break;
    await rm(path, { force: true }).catch(() => undefined);
    size -= bytes;
  }
  return size;
}
