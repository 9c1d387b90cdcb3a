import { z } from 'zod';

/** A setting of several numbers of latents, as the k of sparse probes or the N that are ablated. */
export function latentCounts(byDefault: readonly number[], meaning: string) {
  const one = z
    .int()
    .positive()
    .max(2 ** 50);
  return z
    .array(one)
    .min(1)
    .max(20)
    .default([...byDefault])
    .describe(meaning);
}
