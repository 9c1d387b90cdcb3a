import { mkdir, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { UnavailableError } from '../errors.ts';
import { refusedWrite } from './refused-write.ts';
import { rename } from './rename.ts';
import { temporaryName } from './temporary-name.ts';

/**
 * Writes a whole file or nothing: bytes go to a temporary name in the same folder, are synced to disk, and the
 * name is then changed in one step. Readers see the old file or the new one, never a part.
 *
 * @throws UnavailableError when the folder cannot be written or the disk is full; the old file stays.
 */
export async function writeAtomic(
  path: string,
  parts: Uint8Array | string | Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const temporary = temporaryName(path);
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(temporary, 'wx');
    try {
      for await (const part of typeof parts === 'string'
        ? [Buffer.from(parts)]
        : parts instanceof Uint8Array
          ? [parts]
          : parts) {
        for (let done = 0; done < part.byteLength; ) {
          done += (await file.write(part, done, part.byteLength - done)).bytesWritten;
        }
      }
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    const { next, ...refused } = refusedWrite(cause);
    throw new UnavailableError({ thing: path, ...refused, next: `${next}, then run again.` }, { cause });
  }
}

/** JSON with a trailing newline; key order is the object's own, so write objects in a stable order. */
export async function writeJsonAtomic(path: string, value: unknown): Promise<void> {
  await writeAtomic(path, `${JSON.stringify(value, null, 2)}\n`);
}
