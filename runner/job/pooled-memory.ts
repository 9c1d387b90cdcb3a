/** Memory that the pooled features of probe texts take: kept from the pass over the texts until the suites have read them. */
import type { RunConfig } from '../config/run-config.ts';
import { needsOf } from '../suites/needs.ts';
import { DEMO_CLASSES } from '../text/demo-probes.ts';
import { declaredProbes } from '../text/probe-declaration.ts';

/** Of an SAE what decides how many of its latents fire on a text. */
export interface PooledSae {
  d_in: number;
  d_sae: number;
  /** Latents that are active on a token; null where that is not known before. */
  k: number | null;
}

/** An entry's latent and value. */
const ENTRY_BYTES = 8;
/** Classes of a set whose name says nothing: loading it is an error later. */
const SOME_CLASSES = 2;

/**
 * Bytes, at most: every text as long as it may be, and no latent firing on two of its tokens.
 *
 * @param saes of all hooks; each has a residual of its own counted, which those of one hook share
 */
export function pooledBytes(config: RunConfig, saes: readonly PooledSae[]): number {
  const { evaluation, probing } = config;
  const needs = needsOf(evaluation.suites);
  const texts = [
    ...(needs.tasks
      ? [{ count: probing.tasks.length * evaluation.probeTexts, tokens: evaluation.probeTokens }]
      : []),
    ...(needs.sets
      ? probing.sets.map((set) => ({
          count: classesOf(set) * (evaluation.setTrainTexts + evaluation.setTestTexts),
          tokens: evaluation.setTokens,
        }))
      : []),
  ];
  let bytes = 0;
  for (const { count, tokens } of texts) {
    for (const { d_in, d_sae, k } of saes) {
      bytes += count * (4 * d_in + ENTRY_BYTES * Math.min(d_sae, k === null ? d_sae : tokens * k));
    }
  }
  return bytes;
}

function classesOf(set: RunConfig['probing']['sets'][number]): number {
  if (typeof set !== 'string') return set.classes.length;
  const declared = declaredProbes.find(({ name }) => name === set);
  if (declared !== undefined) return declared.classes.length;
  return Object.entries(DEMO_CLASSES).find(([name]) => name === set)?.[1].length ?? SOME_CLASSES;
}
