/** What a record carries so that it can be compared with others over the same rows. */
import { canonicalJson, sha256 } from '../io/hash.ts';
import type { TokenBatch } from '../lm/language-model.ts';
import type { Statistic } from '../metrics/statistic.ts';
import { type PairedId, packDraws, pairedIds } from '../report/paired.ts';
import type { Paired } from '../report/schema.ts';
import type { ProbeTask } from '../suites/probe-task.ts';
import { namesOf } from './observation.ts';

/** Changes when resamples are drawn in another way. */
const DRAWING = 'bootstrap/1';

export interface PairingKeys {
  tokens: string;
  probes: string;
}

/**
 * Names the rows and the draws: two evaluations of equal keys drew the same rows of the same text in each resample.
 *
 * @param tasks of any one SAE: the texts, labels and splits are those of all
 */
export function pairingKeys(
  batches: readonly TokenBatch[],
  tasks: readonly ProbeTask[],
  draws: { resamples: number; seed: number },
): PairingKeys {
  const probes = tasks.map(({ task, labels, texts }) => [task, Array.from(labels), sha256(texts.join('\0'))]);
  return {
    tokens: sha256(canonicalJson([DRAWING, draws, namesOf(batches)])),
    probes: sha256(canonicalJson([DRAWING, draws, probes])),
  };
}

const OVER: Readonly<Record<PairedId, 'tokens' | 'probes' | 'both'>> = {
  'interpscore@0.0.1': 'both',
  'loss_recovered@interpscore-0.0.1': 'tokens',
  'alive@v1': 'tokens',
  'l0_score@interpscore-0.0.1': 'tokens',
  'probe_auc_dense@interpscore-0.0.1': 'probes',
  'tpp@interpscore-0.0.1': 'probes',
  'var_exp@pooled-v1': 'tokens',
  'loss_recovered@pooled-v1': 'tokens',
};

/** The record's `paired` part; undefined where nothing was resampled. */
export function pairedPart(
  statistics: Readonly<Partial<Record<PairedId, Statistic>>>,
  keys: PairingKeys,
): Paired | undefined {
  let count = 0;
  const draws: Paired['draws'] = {};
  for (const id of pairedIds) {
    const statistic = statistics[id];
    if (statistic === undefined || statistic.value === null || statistic.samples.length === 0) continue;
    count = statistic.samples.length;
    draws[id] = { over: OVER[id], ...packDraws(statistic.samples) };
  }
  return count === 0 ? undefined : { count, ...keys, draws };
}
