import { type FileHandle, open } from 'node:fs/promises';
import { UnavailableError, unreadable } from '../errors.ts';

/** Bytes behind the smallest interface that readers of formats need: a length and ranged reads. */
export interface ByteSource {
  readonly name: string;
  readonly byteLength: number;
  /** Bytes start (included) to end (excluded), always exactly end − start of them. */
  slice(start: number, end: number): Promise<Uint8Array>;
  /** Where byte 0 lies in a file of these very bytes; absent where there is none. */
  readonly place?: { file: string; start: number };
  /** Of a source with a checksum: reads all of it. @throws MalformedError when the bytes are not those written */
  verify?(): Promise<void>;
}

export function memorySource(name: string, bytes: Uint8Array): ByteSource {
  return { name, byteLength: bytes.byteLength, slice: async (start, end) => bytes.subarray(start, end) };
}

export interface FileSource extends ByteSource {
  close(): Promise<void>;
}

/**
 * Opens a file for ranged reads.
 *
 * @throws UnavailableError when there is no such file or it cannot be read
 */
export async function openFile(path: string): Promise<FileSource> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (cause) {
    throw unreadable(path, cause);
  }
  const { size } = await file.stat();
  return {
    name: path,
    byteLength: size,
    place: { file: path, start: 0 },
    async slice(start, end) {
      const bytes = new Uint8Array(end - start);
      for (let done = 0; done < bytes.byteLength; ) {
        const { bytesRead } = await file.read(bytes, done, bytes.byteLength - done, start + done);
        if (bytesRead === 0) {
          throw new UnavailableError({
            thing: path,
            found: `the file ended at byte ${start + done} while being read`,
            expected: `${size} bytes, as when it was opened`,
            next: 'Make sure that nothing else is writing the file, then run again.',
          });
        }
        done += bytesRead;
      }
      return bytes;
    },
    close: () => file.close(),
  };
}

/** Runs `use` on an opened file and closes it whatever happens. */
export async function withFile<T>(path: string, use: (source: ByteSource) => Promise<T>): Promise<T> {
  const source = await openFile(path);
  try {
    return await use(source);
  } finally {
    await source.close();
  }
}
