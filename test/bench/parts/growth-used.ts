/** What a stage of `bench growth` uses: processor time, and memory at its peak beyond what was held before. */

export interface Used {
  /** Seconds of processor time. */
  cpu: number;
  /** Bytes beyond what was held before. */
  memory: number;
}

export interface Stage {
  /** What is doubled. */
  axis: string;
  sizes: readonly number[];
  /** Why an exponent above the bound is right. */
  reason?: string;
  /** By the part of the work, where it has parts. */
  run(size: number): Promise<Record<string, Used>>;
}

/** The largest that the process was since it was last set. */
export const peak = {
  bytes: 0,
  look(): void {
    this.bytes = Math.max(this.bytes, process.memoryUsage.rss());
  },
};

export async function used(work: () => unknown): Promise<Used> {
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  peak.bytes = before;
  const since = process.cpuUsage();
  await work();
  peak.look();
  const { user, system } = process.cpuUsage(since);
  return { cpu: (user + system) / 1e6, memory: peak.bytes - before };
}

/** @param first size of a round before the measured one, so that code is compiled by then and the memory it keeps is not counted */
const warm = (first: number, work: (size: number) => Promise<() => unknown>): Stage['run'] =>
  async function run(size) {
    await (await work(first))();
    return { '': await used(await work(size)) };
  };

export const stage = (
  axis: string,
  sizes: readonly number[],
  work: (size: number) => Promise<() => unknown>,
  { reason, first = sizes[0]! }: { reason?: string; first?: number } = {},
): Stage => ({
  axis,
  sizes,
  run: warm(first, work),
  ...(reason === undefined ? {} : { reason }),
});
