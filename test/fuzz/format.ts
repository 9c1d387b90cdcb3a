/** What is fuzzed: a kind of file, how damaged ones are made of good ones, and who reads them. */
import type { Random } from '../../runner/math/random.ts';

export interface FuzzFormat {
  name: string;
  /**
   * @param folder an empty one, for formats that are read from disk
   * @returns one case: makes a file and reads it; throws what the reader throws
   */
  prepare(folder: string): Promise<(stream: Random) => Promise<void>>;
}

/** Limits of one case. Files are small (the largest made has about 100 kB): what a reader takes beyond that, it takes on their word. */
export const LIMITS = {
  /** Processor time of a case, milliseconds: a machine that is busy with others does not count. */
  cpu: 2_000,
  /** Memory of the process beyond what it had before the case, MiB. */
  memory: 384,
  /** After this a case is given up and its process ended, milliseconds. */
  patience: 60_000,
  /** Characters of a message. */
  message: 1_200,
} as const;

export function pick<T>(stream: Random, from: readonly T[]): T {
  return from[stream.integer(from.length)]!;
}
