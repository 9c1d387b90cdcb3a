import { mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { rename } from '../io/rename.ts';
import { fileSize } from './cache.ts';
import { checkRoom, type DownloadProgress } from './download.ts';
import { fileAddress, type PinnedReference, pinnedSubject, type RepositoryFile } from './repository.ts';
import { transferInto } from './transfer.ts';
import type { Hub } from './transport.ts';

/**
 * Brings files of one commit into a folder of the caller's own, not into the shared cache: for what is used once and
 * then changes. One after the other; a file has its name when its hash is right, and what is half there is continued.
 * One process at a time may use the folder.
 *
 * @param files of the commit, as it lists them
 * @param nameOf where a file lies in the folder, by its path in the repository
 * @throws UnavailableError when the disk has no room or the hub does not answer; MalformedError when the bytes stay
 *   wrong; UserError for refusals
 */
export async function downloadInto(
  hub: Hub,
  reference: PinnedReference,
  files: readonly RepositoryFile[],
  folder: string,
  nameOf: (path: string) => string,
  options: {
    signal?: AbortSignal | undefined;
    onProgress?: ((progress: DownloadProgress) => void) | undefined;
    freeBytes?: (folder: string) => Promise<number>;
  } = {},
): Promise<void> {
  const { signal, onProgress, freeBytes } = options;
  const missing: { file: RepositoryFile; path: string }[] = [];
  for (const file of files) {
    const path = join(folder, nameOf(file.path));
    if ((await fileSize(path)) !== file.size) missing.push({ file, path });
  }
  await mkdir(folder, { recursive: true });
  const total = missing.reduce((sum, { file }) => sum + file.size, 0);
  let here = 0;
  for (const { path } of missing) here += (await fileSize(partOf(path))) ?? 0;
  const advice = 'choose a folder on a larger disk';
  await checkRoom(reference, missing.length, total - here, { folder, freeBytes, advice });
  let before = 0;
  for (const [filesDone, { file, path }] of missing.entries()) {
    signal?.throwIfAborted();
    await mkdir(dirname(path), { recursive: true });
    await (await open(partOf(path), 'a')).close();
    const start = before;
    await transferInto(
      hub,
      partOf(path),
      {
        subject: pinnedSubject(reference, file.path),
        url: fileAddress(hub, reference, file.path),
        size: file.size,
        hash: file.hash,
      },
      {
        signal,
        onBytes: (bytes) =>
          onProgress?.({ path: file.path, bytes: start + bytes, total, filesDone, files: missing.length }),
      },
    );
    const done = await open(partOf(path), 'r+');
    await done.sync().finally(() => done.close());
    await rename(partOf(path), path);
    before += file.size;
  }
}

function partOf(path: string): string {
  return `${path}.incomplete`;
}
