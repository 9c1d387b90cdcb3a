/**
 * What has passed between arrays of the host and the runtime since the thread began: on a device that is what crosses the bus,
 * on the CPU the outputs that were copied and the inputs that were lent.
 */
import { countOf, type HostTensor } from './tensors.ts';

interface Passed {
  tensors: number;
  bytes: number;
}

export interface Traffic {
  /** From the host: inputs that are arrays. */
  given: Passed;
  /** To the host: outputs that are not held, and held ones that were read. */
  taken: Passed;
}

const counted: Traffic = { given: { tensors: 0, bytes: 0 }, taken: { tensors: 0, bytes: 0 } };

export function traffic(): Traffic {
  return structuredClone(counted);
}

/** Between two counts. */
export function trafficSince(before: Traffic): Traffic {
  const between = (way: keyof Traffic): Passed => ({
    tensors: counted[way].tensors - before[way].tensors,
    bytes: counted[way].bytes - before[way].bytes,
  });
  return { given: between('given'), taken: between('taken') };
}

export function countPassed(way: keyof Traffic, { data, dims }: HostTensor): void {
  counted[way].tensors += 1;
  counted[way].bytes += countOf(dims) * data.BYTES_PER_ELEMENT;
}
