/** What a record carries so that it can be compared with others over the same rows. */
import { canonicalJson, sha256 } from '../io/hash.ts';
import type { TokenBatch } from '../lm/language-model.ts';
import type { Resamples } from '../metrics/bootstrap.ts';
import { influencesOf } from '../metrics/interval.ts';
import type { Statistic } from '../metrics/statistic.ts';
import { type PairedId, pairedIds } from '../report/paired.ts';
import { packWithInfluences, type Source } from '../report/paired-draws.ts';
import type { Paired, PairedDraws } from '../report/schema.ts';
import { documentsOf, namesOf } from './observation.ts';

/** Changes when resamples are drawn in another way. */
const DRAWING = 'bootstrap/2';

export interface PairingKeys {
  tokens: string;
  probes: string;
  /** Of each suite that has values of its own to compare. */
  suites?: Readonly<Record<string, string>>;
}

/** What of a suite decides which rows its draws are of. */
export interface PairingSuite {
  id: string;
  /** Of a suite from a file: its values are compared with those of the same file alone. */
  version: string;
  definitions: Readonly<Record<string, unknown>>;
  pairing: readonly unknown[];
}

/**
 * Names the rows and the draws: two evaluations of equal keys drew the same rows of the same text in each resample.
 *
 * @param suites with what their draws follow from beside the packed rows, such as their tasks' labels and texts
 */
export function pairingKeys(
  batches: readonly TokenBatch[],
  suites: readonly PairingSuite[],
  draws: { resamples: number; seed: number },
): PairingKeys {
  const keyOf = (of: unknown): string => sha256(canonicalJson([DRAWING, draws, of]));
  const probes = suites.filter(({ definitions }) => pairedIds.some((id) => Object.hasOwn(definitions, id)));
  return {
    tokens: sha256(canonicalJson([DRAWING, draws, namesOf(batches), documentsOf(batches) ?? null])),
    probes: keyOf(probes.flatMap(({ pairing }) => pairing)),
    suites: Object.fromEntries(
      suites
        .filter((suite) => !probes.includes(suite) && suite.pairing.length > 0)
        .map(({ id, version, pairing }) => [id, keyOf([id, version, pairing])]),
    ),
  };
}

/** The keys of one SAE, where suites say what their draws follow from at its hook. */
export function keysAt(
  keys: PairingKeys,
  atHook: Readonly<Record<string, readonly unknown[] | undefined>>,
): PairingKeys {
  const suites = Object.entries(keys.suites ?? {}).map(([id, key]) => {
    const own = atHook[id];
    return [id, own === undefined ? key : sha256(canonicalJson([key, own]))] as const;
  });
  return { ...keys, suites: Object.fromEntries(suites) };
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

type Entry = [id: string, statistic: Statistic | undefined, rows: Pick<PairedDraws, 'over' | 'suite'>];

/**
 * The record's `paired` part; undefined where nothing was resampled.
 *
 * @param statistics of the values one ranks by; others among them are of the rows of tokens
 * @param ofSuites statistics of each suite's own definitions, where the suite says what its draws follow from
 */
export function pairedPart(
  statistics: Readonly<Record<string, Statistic>>,
  keys: PairingKeys,
  ofSuites: Readonly<Record<string, Readonly<Record<string, Statistic>>>> = {},
): Paired | undefined {
  let count = 0;
  const draws: Paired['draws'] = {};
  const sources = new Map<string, Source>();
  const all = [
    ...Object.entries(statistics).map(
      ([id, statistic]): Entry => [id, statistic, { over: OVER[id as PairedId] ?? 'tokens' }],
    ),
    ...Object.entries(ofSuites).flatMap(([suite, own]) =>
      Object.entries(own).map(([id, statistic]): Entry => [id, statistic, { over: 'suite', suite }]),
    ),
  ];
  for (const [id, statistic, over] of all) {
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
    draws[id] = { ...over, ...packed };
  }
  if (count === 0) return undefined;
  const { suites = {}, ...rows } = keys;
  const named = Object.keys(suites).length > 0 ? { suites: { ...suites } } : {};
  return { count, ...rows, ...named, sources: [...sources.values()], draws };
}

function sourceOf({ seed, strata }: Resamples): Source {
  return { seed, strata: strata.map(({ length }) => length) };
}
