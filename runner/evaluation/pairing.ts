/** What a record carries so that it can be compared with others over the same rows. */
import { canonicalJson, sha256 } from '../io/hash.ts';
import type { TokenBatch } from '../lm/language-model.ts';
import type { Resamples } from '../metrics/bootstrap.ts';
import { influencesOf } from '../metrics/interval.ts';
import type { Statistic } from '../metrics/statistic.ts';
import { type PairedId, pairedIds } from '../report/paired.ts';
import { packWithInfluences, type Source } from '../report/paired-draws.ts';
import type { Paired } from '../report/schema.ts';
import { documentsOf, namesOf } from './observation.ts';

/** Changes when resamples are drawn in another way. */
const DRAWING = 'bootstrap/2';

export interface PairingKeys {
  tokens: string;
  probes: string;
}

/**
 * Names the rows and the draws: two evaluations of equal keys drew the same rows of the same text in each resample.
 *
 * @param ofSuites what the draws of each suite follow from besides the packed rows, such as its tasks' labels and texts
 */
export function pairingKeys(
  batches: readonly TokenBatch[],
  ofSuites: readonly unknown[],
  draws: { resamples: number; seed: number },
): PairingKeys {
  return {
    tokens: sha256(canonicalJson([DRAWING, draws, namesOf(batches), documentsOf(batches) ?? null])),
    probes: sha256(canonicalJson([DRAWING, draws, ofSuites])),
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
  const sources = new Map<string, Source>();
  for (const id of pairedIds) {
    const statistic = statistics[id];
    if (statistic === undefined || statistic.value === null || statistic.samples.length === 0) continue;
    count = statistic.samples.length;
    const influences = statistic.leftOut.map(({ resamples, values }) => {
      const source = sources.get(resamples.key) ?? sourceOf(resamples);
      sources.set(resamples.key, source);
      // A class of one text has no influence that could be told.
      const parts = resamples.strata.map((stratum) =>
        stratum.length > 1 ? influencesOf(stratum, values) : new Float64Array(stratum.length),
      );
      return { source, values: Float64Array.from(parts.flatMap((part) => [...part])) };
    });
    const packed = packWithInfluences(statistic.value, statistic.samples, influences, [...sources.values()]);
    draws[id] = { over: OVER[id], ...packed };
  }
  return count === 0 ? undefined : { count, ...keys, sources: [...sources.values()], draws };
}

function sourceOf({ seed, strata }: Resamples): Source {
  return { seed, strata: strata.map(({ length }) => length) };
}
