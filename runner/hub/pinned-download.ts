/** A large file at a fixed address, not of the hub: what has come of it is kept, and the whole is held to its hash. */
import { open, truncate } from 'node:fs/promises';
import { InterpboardError, MalformedError, UnavailableError } from '../errors.ts';
import { contentHash } from '../io/content-hash.ts';
import { pieces } from './body.ts';
import { fileSize } from './cache.ts';
import { type Fetcher, fetchOutside } from './outside.ts';
import { takePartial } from './partial.ts';
import { Transient, withRetries } from './retry.ts';

export interface LargeFile {
  /** What it is called in errors. */
  thing: string;
  /** Asked only where something is to be fetched. */
  address(): Promise<string>;
  size: number;
  sha256: string;
  /** Where it goes. */
  path: string;
  /** What to try when it cannot be had. */
  next: string;
}

/**
 * @param onBytes called with the number of bytes so far
 * @throws UnavailableError when it cannot be had, or the disk is full
 * @throws MalformedError when the bytes stay wrong
 */
export async function downloadPinned(
  fetcher: Fetcher,
  file: LargeFile,
  options: { signal?: AbortSignal; onBytes?: (bytes: number) => void } = {},
): Promise<void> {
  const { path, size, sha256, thing } = file;
  const { signal } = options;
  if ((await fileSize(path)) === size && (await contentHash(path, 'sha256', { signal })) === sha256) return;
  const part = await takePartial(path);
  try {
    let before = 0;
    let offset = 0;
    await withRetries(
      { ...fetcher, signal },
      thing,
      async () => {
        before = offset = (await fileSize(part.path)) ?? 0;
        if (offset > size) offset = await emptied(part.path);
        if (offset < size) {
          offset = await fetchRest(fetcher, file, part.path, offset, {
            signal,
            onBytes(bytes) {
              offset = bytes;
              options.onBytes?.(bytes);
            },
          });
        }
        if (offset < size) throw new Transient(`the connection ended at byte ${offset} of ${size}`);
        const found = await contentHash(part.path, 'sha256', { signal });
        if (found === sha256) return;
        await emptied(part.path);
        throw new Transient(`contents with SHA-256 ${found}, not ${sha256}`, { wrongBytes: true });
      },
      () => offset > before,
    );
    await part.finish();
  } catch (error) {
    await part.release();
    // After the last attempt: said of the hub elsewhere.
    if (!(error instanceof InterpboardError && error.cause instanceof Transient)) throw error;
    const { next } = file;
    if (error instanceof MalformedError)
      throw new MalformedError({ ...error.complaint, expected: `SHA-256 ${sha256}`, next }, { cause: error });
    throw new UnavailableError({ ...error.complaint, expected: 'the file', next }, { cause: error });
  }
}

async function emptied(path: string): Promise<0> {
  await truncate(path, 0);
  return 0;
}

/** @returns bytes of the file that are there then */
async function fetchRest(
  fetcher: Fetcher,
  { address: addressOf, thing, size, next }: LargeFile,
  path: string,
  from: number,
  { signal, onBytes }: { signal: AbortSignal | undefined; onBytes: (bytes: number) => void },
): Promise<number> {
  const headers = { 'accept-encoding': 'identity', ...(from === 0 ? {} : { range: `bytes=${from}-` }) };
  const asked = { address: await addressOf(), thing, expected: 'the file', next };
  const response = await fetchOutside(fetcher, asked, { headers, signal });
  // An answer with the whole file begins it anew.
  const continued =
    response.status === 206 && response.headers.get('content-range')?.startsWith(`bytes ${from}-`);
  let offset = continued ? from : await emptied(path);
  const file = await open(path, 'r+');
  try {
    for await (const piece of pieces(response, fetcher.timeouts.stallMs, signal)) {
      if (offset + piece.byteLength > size) {
        await file.truncate(0);
        throw new Transient(`more than ${size} bytes`, { wrongBytes: true });
      }
      for (let done = 0; done < piece.byteLength; ) {
        done += (await file.write(piece, done, piece.byteLength - done, offset + done)).bytesWritten;
      }
      offset += piece.byteLength;
      onBytes(offset);
    }
  } finally {
    await file.close();
  }
  return offset;
}
