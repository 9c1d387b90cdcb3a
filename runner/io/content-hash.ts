import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';

/** How contents are named: by the SHA-256 of their bytes, or by git's SHA-1 of a blob, as the hub names small files. */
export interface ContentHash {
  algorithm: 'sha256' | 'git-sha1';
  /** Lower-case hexadecimal digits; also the blob's file name in the hub's cache. */
  hex: string;
}

/** @param size bytes of the whole content: git hashes it in front */
export function startHash(algorithm: ContentHash['algorithm'], size: number): Hash {
  return algorithm === 'sha256' ? createHash('sha256') : createHash('sha1').update(`blob ${size}\0`);
}

/** Feeds the first `length` bytes of a file into a hash. */
export async function hashStart(
  hash: Hash,
  path: string,
  length: number,
  options: { signal?: AbortSignal | undefined; onBytes?: (bytes: number) => void } = {},
): Promise<void> {
  if (length === 0) return;
  const { signal, onBytes } = options;
  let bytes = 0;
  for await (const piece of createReadStream(path, { end: length - 1, highWaterMark: 1 << 20 })) {
    signal?.throwIfAborted();
    hash.update(piece as Uint8Array);
    bytes += (piece as Uint8Array).byteLength;
    onBytes?.(bytes);
  }
}

export async function contentHash(
  path: string,
  algorithm: ContentHash['algorithm'],
  options: Parameters<typeof hashStart>[3] = {},
): Promise<string> {
  const { size } = await stat(path);
  const hash = startHash(algorithm, size);
  await hashStart(hash, path, size, options);
  return hash.digest('hex');
}
