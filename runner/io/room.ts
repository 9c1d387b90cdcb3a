/** Room on a disk, asked for before much is written to it. */
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { UnavailableError } from '../errors.ts';

/** Left for other programs. */
export const SPARE_BYTES = 256 * 2 ** 20;

export interface Room {
  /** What it is for, as errors name it. */
  thing: string;
  /** What takes it. */
  what: string;
  folder: string;
  bytes: number;
  next: string;
  freeBytes?: ((folder: string) => Promise<number>) | undefined;
}

/** @throws UnavailableError when the disk has no room for so much */
export async function checkFree({
  thing,
  what,
  folder,
  bytes,
  next,
  freeBytes = freeBytesOf,
}: Room): Promise<void> {
  if (bytes === 0) return;
  const free = await freeBytes(folder);
  if (bytes + SPARE_BYTES <= free) return;
  const gigabytes = (count: number) => `${(count / 1e9).toFixed(2)} GB`;
  throw new UnavailableError({
    thing,
    found: `${gigabytes(free)} free in ${folder}`,
    expected: `${gigabytes(bytes + SPARE_BYTES)} for ${what}`,
    next,
  });
}

/** Room in the file system of a folder or, before it is made, of the nearest one above it. */
export async function freeBytesOf(folder: string): Promise<number> {
  for (let path = folder; ; path = dirname(path)) {
    try {
      const { bavail, bsize } = await statfs(path);
      return bavail * bsize;
    } catch (error) {
      if (dirname(path) === path) throw error;
    }
  }
}
