/**
 * Hashes of files that are remembered, so that a checkpoint of many gigabytes is read for its hash once and not at
 * every start. A file is known again by its device, inode, size and the times at which its contents and its inode
 * last changed: whatever writes to it changes one of them, and then it is read again. Only numbers and hashes are
 * kept, no paths.
 */
import type { BigIntStats } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { z } from 'zod';
import { UnavailableError, unreadable } from '../errors.ts';
import { type ContentHash, contentHash } from './content-hash.ts';
import { writeAtomic } from './write-atomic.ts';

type Algorithm = ContentHash['algorithm'];

export interface FileToHash {
  path: string;
  algorithm: Algorithm;
}

export interface HashingOptions {
  signal?: AbortSignal | undefined;
  /** Of the bytes that have to be read, those that are; not called where every hash is known or the files are small. */
  onProgress?: ((done: number, total: number) => void) | undefined;
}

export interface KnownHashes {
  /**
   * Hexadecimal digits, in the order of the files.
   *
   * @throws UnavailableError when a file is not there, or changes while it is read
   */
  of(files: readonly FileToHash[], options?: HashingOptions): Promise<string[]>;
  /** Notes the hash of a file that this process has just written and held to it. */
  note(path: string, hash: ContentHash): Promise<void>;
}

/** Smaller files are read as fast as a list is looked up. */
const SMALLEST = 1 << 20;
/** Below so many bytes to read nothing is said. */
const WORTH_SAYING = 64 << 20;
/** The files of some hundred checkpoints; the longest known are forgotten first. */
const MOST = 10_000;
/** Another process that puts the same contents there changes a file once or twice; one that is being written, again and again. */
const MOST_READS = 5;
/** File systems note times no finer than this: a file that changed just now may change again at the same time. */
const SETTLED_MS = 2_000;

const digits = /^[0-9a-f]{40,64}$/;
const fileSchema = z.object({
  version: z.literal(1),
  hashes: z.record(
    z.string(),
    z.object({ sha256: z.string().regex(digits), 'git-sha1': z.string().regex(digits) }).partial(),
  ),
});
type Hashes = z.infer<typeof fileSchema>['hashes'];

/** @param file where they are kept between processes; null keeps them in memory */
export function openKnownHashes(
  file: string | null,
  { smallest = SMALLEST, worthSaying = WORTH_SAYING, now = Date.now } = {},
): KnownHashes {
  let known: Promise<Hashes> | undefined;
  let keeping: Promise<void> = Promise.resolve();

  /** One after the other: each adds its entry to what the one before has left. */
  function keep(key: string, algorithm: Algorithm, hex: string): Promise<void> {
    keeping = keeping.then(() => add(key, algorithm, hex));
    return keeping;
  }

  async function add(key: string, algorithm: Algorithm, hex: string): Promise<void> {
    // What other processes kept meanwhile stays; of two that write at once one is read again later.
    const hashes: Hashes = { ...(await known), ...(await read(file)) };
    const entry = { ...hashes[key], [algorithm]: hex };
    delete hashes[key];
    const kept = Object.fromEntries([...Object.entries(hashes), [key, entry]].slice(-MOST));
    known = Promise.resolve(kept);
    if (file === null) return;
    // A folder that cannot be written costs reading the file again, nothing else.
    await writeAtomic(file, JSON.stringify({ version: 1, hashes: kept })).catch(() => undefined);
  }

  return {
    async of(files, { signal, onProgress } = {}) {
      known ??= read(file);
      const hashes = await known;
      // Links of several names to one file are one.
      const wanted = new Map<string, FileToHash & { info: BigIntStats; hex: string | undefined }>();
      const order = await Promise.all(
        files.map(async ({ path, algorithm }) => {
          const info = await statOf(path);
          const key = `${algorithm} ${keyOf(info)}`;
          wanted.set(key, { path, algorithm, info, hex: hashes[keyOf(info)]?.[algorithm] });
          return key;
        }),
      );
      const unknown = [...wanted.values()].filter(({ hex }) => hex === undefined);
      const total = unknown.reduce((sum, { info }) => sum + Number(info.size), 0);
      const says = total >= worthSaying ? onProgress : undefined;
      let before = 0;
      for (const each of unknown) {
        const { path, algorithm } = each;
        const { info, hex } = await hashedAtRest(path, algorithm, {
          signal,
          onBytes: (bytes) => says?.(before + bytes, total),
        });
        before += Number(each.info.size);
        each.hex = hex;
        const settled = Math.abs(now() - Number(info.ctimeMs)) > SETTLED_MS;
        if (info.size >= smallest && settled) await keep(keyOf(info), algorithm, hex);
      }
      return order.map((key) => wanted.get(key)!.hex!);
    },
    async note(path, { algorithm, hex }) {
      known ??= read(file);
      const info = await statOf(path);
      if (info.size >= smallest) await keep(keyOf(info), algorithm, hex);
    },
  };
}

/**
 * The hash of contents that stood still while they were read. On shared storage another process may put the same
 * file there meanwhile, in one step: it is read again.
 */
async function hashedAtRest(
  path: string,
  algorithm: Algorithm,
  options: Parameters<typeof contentHash>[2],
): Promise<{ info: BigIntStats; hex: string }> {
  for (let reads = 0; reads < MOST_READS; reads++) {
    const info = await statOf(path);
    const hex = await contentHash(path, algorithm, options);
    if (keyOf(await statOf(path)) === keyOf(info)) return { info, hex };
  }
  throw changed(path);
}

async function read(file: string | null): Promise<Hashes> {
  if (file === null) return {};
  try {
    return fileSchema.parse(JSON.parse(await readFile(file, 'utf8'))).hashes;
  } catch {
    // Not there yet, or damaged: everything is read once more.
    return {};
  }
}

function keyOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(':');
}

async function statOf(path: string): Promise<BigIntStats> {
  return stat(path, { bigint: true }).catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
}

function changed(path: string): UnavailableError {
  return new UnavailableError({
    thing: path,
    found: 'that it changed while it was read',
    expected: 'a file that nothing writes to',
    next: 'Wait until it is written, then run again.',
  });
}
