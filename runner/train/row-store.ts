/** Rows of float32 numbers by their place, in memory or in a file. */
import { closeSync, mkdirSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { UnavailableError } from '../errors.ts';
import { refusedWrite } from '../io/refused-write.ts';

export interface RowStore {
  /** Numbers of a row. */
  readonly width: number;
  /** Copies row `at` to the start of `into`. */
  read(at: number, into: Float32Array): void;
  write(at: number, row: Float32Array): void;
  close(): void;
}

export function memoryRows(capacity: number, width: number): RowStore {
  const rows = new Float32Array(capacity * width);
  return {
    width,
    read: (at, into) => into.set(rows.subarray(at * width, (at + 1) * width)),
    write: (at, row) => rows.set(row, at * width),
    close: () => undefined,
  };
}

/**
 * Rows in a file that is the process's own: what it held before is lost, and it goes when the store is closed.
 *
 * @throws UnavailableError when the file cannot be written
 */
export function fileRows(path: string, width: number): RowStore {
  const file = tried(path, () => {
    mkdirSync(dirname(path), { recursive: true });
    return openSync(path, 'w+');
  });
  const bytes = 4 * width;
  return {
    width,
    read(at, into) {
      const view = new Uint8Array(into.buffer, into.byteOffset, bytes);
      tried(path, () => {
        for (let done = 0; done < bytes; ) {
          const got = readSync(file, view, done, bytes - done, at * bytes + done);
          if (got === 0) throw new RangeError(`row ${at} was never written`);
          done += got;
        }
      });
    },
    write(at, row) {
      const view = new Uint8Array(row.buffer, row.byteOffset, bytes);
      tried(path, () => {
        for (let done = 0; done < bytes; ) {
          done += writeSync(file, view, done, bytes - done, at * bytes + done);
        }
      });
    },
    close() {
      closeSync(file);
      rmSync(path, { force: true });
    },
  };
}

function tried<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof RangeError) throw cause;
    const { next, ...refused } = refusedWrite(cause);
    throw new UnavailableError(
      {
        thing: path,
        ...refused,
        next: `${next}, or lower training.shuffle.megabytes, then run again: the last checkpoint is intact.`,
      },
      { cause },
    );
  }
}
