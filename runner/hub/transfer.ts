import type { Hash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { MalformedError, UnavailableError } from '../errors.ts';
import { type ContentHash, hashStart, startHash } from '../io/content-hash.ts';
import { pieces } from './body.ts';
import { formatReference, type HubReference } from './reference.ts';
import { Transient, withRetries } from './retry.ts';
import { type Hub, request } from './transport.ts';

export interface Transfer {
  /** The file as it is called in errors; its revision is a commit. */
  subject: HubReference;
  url: string;
  size: number;
  hash: ContentHash;
}

/** Headway after which failures are counted anew. */
const HEADWAY_BYTES = 2 ** 20;

interface State {
  file: FileHandle;
  /** Bytes written and hashed. */
  offset: number;
  hash: Hash;
}

/**
 * Completes a file from the bytes it has and checks the whole against its hash. The bytes are kept whatever happens,
 * unless they prove wrong.
 *
 * @param path an existing file with a prefix of the content, perhaps empty
 * @param onBytes called with the number of right bytes so far (it falls back to 0 when a start proves wrong)
 * @throws MalformedError when the hub keeps sending other bytes than it lists; UnavailableError when it does not
 *   answer or the disk is full; UserError for refusals
 */
export async function transferInto(
  hub: Hub,
  path: string,
  transfer: Transfer,
  options: { signal?: AbortSignal | undefined; onBytes?: ((bytes: number) => void) | undefined } = {},
): Promise<void> {
  const { subject, size, hash } = transfer;
  const state: State = { file: await open(path, 'r+'), offset: 0, hash: startHash(hash.algorithm, size) };
  const report = () => options.onBytes?.(state.offset);
  try {
    const { size: present } = await state.file.stat();
    if (present > size) await state.file.truncate(0);
    else {
      await hashStart(state.hash, path, present);
      state.offset = present;
    }
    report();
    let before = state.offset;
    await withRetries(
      { ...hub, signal: options.signal },
      formatReference(subject),
      async () => {
        before = state.offset;
        while (state.offset < size) await fetchRange(hub, state, transfer, options.signal, report);
        const found = state.hash.digest('hex');
        if (found === hash.hex) return;
        await restart(state, transfer);
        report();
        throw new Transient(`contents with ${hash.algorithm} ${found}, listed as ${hash.hex}`, {
          wrongBytes: true,
        });
      },
      () => state.offset - before >= HEADWAY_BYTES,
    );
  } finally {
    await state.file.close();
  }
}

async function fetchRange(
  hub: Hub,
  state: State,
  transfer: Transfer,
  signal: AbortSignal | undefined,
  report: () => void,
): Promise<void> {
  const { subject, size, url } = transfer;
  const range = `bytes=${state.offset}-${Math.min(size, state.offset + hub.rangeBytes) - 1}`;
  const init = { headers: { range, 'accept-encoding': 'identity' }, signal: signal ?? null };
  const response = await request(hub, subject, url, init, [416]);
  const commit = response.headers.get('x-repo-commit');
  if (commit !== null && commit !== subject.revision) {
    await response.body?.cancel();
    throw new MalformedError({
      thing: formatReference(subject),
      found: `an answer from commit ${commit.slice(0, 40)}`,
      expected: `commit ${subject.revision}`,
      next: 'Check HF_ENDPOINT: a mirror that serves another commit cannot be pinned.',
    });
  }
  const end = await expectedEnd(response, state, transfer);
  for await (const piece of pieces(response, hub.timeouts.stallMs, signal)) {
    if (state.offset + piece.byteLength > end)
      throw await wrongLength(state, transfer, 'more bytes than listed');
    await write(state.file, piece, state.offset, subject);
    state.hash.update(piece);
    state.offset += piece.byteLength;
    report();
  }
  if (state.offset < end) throw new Transient(`the connection ended at byte ${state.offset} of ${size}`);
}

/** Where this answer has to end; an answer with the whole file starts the file anew. */
async function expectedEnd(response: Response, state: State, transfer: Transfer): Promise<number> {
  const { size } = transfer;
  const length = response.headers.get('content-length');
  const encoded = (response.headers.get('content-encoding') ?? 'identity') !== 'identity';
  if (response.status === 200) {
    await restart(state, transfer);
    if (length === null || encoded || Number(length) === size) return size;
    await response.body?.cancel();
    throw await wrongLength(state, transfer, `a length of ${length} bytes`);
  }
  const [, start, last, total] =
    /^bytes (\d+)-(\d+)\/(\d+)$/.exec(response.headers.get('content-range') ?? '') ?? [];
  const fits =
    response.status === 206 && Number(start) === state.offset && Number(total) === size && !encoded;
  if (fits && Number(last) < size) return Number(last) + 1;
  await response.body?.cancel();
  const found =
    total === undefined ? `HTTP ${response.status} without the range` : `a length of ${total} bytes`;
  throw await wrongLength(state, transfer, found);
}

async function wrongLength(state: State, transfer: Transfer, found: string): Promise<Transient> {
  await restart(state, transfer);
  return new Transient(`${found}, listed with ${transfer.size} bytes`, { wrongBytes: true });
}

async function restart(state: State, { hash, size }: Transfer): Promise<void> {
  await state.file.truncate(0);
  state.offset = 0;
  state.hash = startHash(hash.algorithm, size);
}

async function write(
  file: FileHandle,
  piece: Uint8Array,
  position: number,
  subject: HubReference,
): Promise<void> {
  try {
    for (let done = 0; done < piece.byteLength; ) {
      done += (await file.write(piece, done, piece.byteLength - done, position + done)).bytesWritten;
    }
  } catch (cause) {
    throw new UnavailableError(
      {
        thing: formatReference(subject),
        found: cause instanceof Error ? cause.message : String(cause),
        expected: 'a disk with room for it',
        next: 'Free space or set HF_HUB_CACHE to a larger disk, then run again: what has arrived is kept.',
      },
      { cause },
    );
  }
}
