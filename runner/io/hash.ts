import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { hashStart } from './content-hash.ts';

export interface HashedFile {
  bytes: number;
  sha256: string;
}

/** Hashes of files, in their order: read now, or remembered where they have not changed since. */
export type HashFiles = (paths: readonly string[]) => Promise<HashedFile[]>;

export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** Size and content hash of a file, read once as a stream. */
export async function hashFile(path: string): Promise<HashedFile> {
  const { size } = await stat(path);
  const hash = createHash('sha256');
  await hashStart(hash, path, size);
  return { bytes: size, sha256: hash.digest('hex') };
}

/** JSON with object keys in order, so that equal values give equal text (and equal hashes). */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : each,
  );
}
