/** One file at a fixed address, fetched once, held to its hash, and kept. */
import { readFile } from 'node:fs/promises';
import { MalformedError, UnavailableError } from '../errors.ts';
import { sha256 as sha256Of } from '../io/hash.ts';
import { writeAtomic } from '../io/write-atomic.ts';
import { readBody } from './body.ts';
import { fetchOutside } from './outside.ts';
import { withRetries } from './retry.ts';
import type { Hub } from './transport.ts';

export interface PinnedFile {
  /** What it is called in errors. */
  thing: string;
  address: string;
  /** What its contents must have. */
  sha256: string;
  /** Longest it may be, in bytes. */
  limit: number;
  /** Where a copy is kept. */
  copy: string;
  /** What to try when it cannot be had. */
  next: string;
}

/**
 * The file's contents: the kept copy when its hash is right, else fetched.
 *
 * @throws UnavailableError when it is not kept and cannot be had, or offline
 * @throws MalformedError when what comes is longer than the limit or has another hash
 */
export async function fetchPinned(hub: Hub, file: PinnedFile, signal?: AbortSignal): Promise<Uint8Array> {
  const { thing, address, sha256, limit, copy, next } = file;
  const kept = await readFile(copy).catch(() => undefined);
  if (kept !== undefined && sha256Of(kept) === sha256) return kept;
  if (hub.settings.offline) {
    throw new UnavailableError({
      thing,
      found: 'no copy of it here, and HF_HUB_OFFLINE is set',
      expected: `one at ${copy}`,
      next: 'Unset HF_HUB_OFFLINE once, with a connection, to fetch it.',
    });
  }
  const bytes = await withRetries({ ...hub, signal }, thing, async () => {
    const response = await fetchOutside(hub, { address, thing, expected: 'the file', next }, { signal });
    return readBody(response, hub.timeouts.stallMs, limit, thing);
  }).catch((error: unknown) => {
    if (!(error instanceof UnavailableError)) throw error;
    throw new UnavailableError({ ...error.complaint, expected: 'the file', next }, { cause: error });
  });
  const found = sha256Of(bytes);
  if (found !== sha256) {
    throw new MalformedError({ thing, found: `SHA-256 ${found} at ${address}`, expected: sha256, next });
  }
  await writeAtomic(copy, bytes);
  return bytes;
}
