/** Rows of float32 numbers by their place, in memory, in a file, or on a device. */
import { closeSync, mkdirSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { UnavailableError } from '../errors.ts';
import { refusedWrite } from '../io/refused-write.ts';
import type { HeldTensor } from '../onnx/session.ts';
import type { Activations } from './device-rows.ts';

export interface RowStore<T extends Float32Array | HeldTensor = Float32Array> {
  /** Numbers of a row. */
  readonly width: number;
  /** Puts tokens of a pass, by their numbers, into as many different rows. */
  put(x: T | Float32Array, tokens: ArrayLike<number>, rows: Int32Array): Promise<void>;
  /** Rows in that order: what stays on a device is as it is until it is put anew. */
  take(rows: Int32Array): Promise<Activations>;
  /** The same in an array of the host's. */
  read(rows: Int32Array): Promise<Float32Array>;
  close(): Promise<void>;
}

/** @param count rows that there are room for */
export function memoryRows(count: number, width: number): RowStore {
  const all = new Float32Array(count * width);
  return hostRows(width, {
    read: (at, into) => into.set(all.subarray(at * width, (at + 1) * width)),
    write: (at, row) => all.set(row, at * width),
    close: () => undefined,
  });
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
  return hostRows(width, {
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
  });
}

function hostRows(
  width: number,
  one: {
    read(at: number, into: Float32Array): void;
    write(at: number, row: Float32Array): void;
    close(): void;
  },
): RowStore {
  async function read(rows: Int32Array): Promise<Float32Array> {
    const found = new Float32Array(rows.length * width);
    rows.forEach((row, i) => {
      one.read(row, found.subarray(i * width, (i + 1) * width));
    });
    return found;
  }
  return {
    width,
    async put(x, tokens, rows) {
      rows.forEach((row, i) => {
        const token = tokens[i]!;
        one.write(row, x.subarray(token * width, (token + 1) * width));
      });
    },
    take: read,
    read,
    async close() {
      one.close();
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
