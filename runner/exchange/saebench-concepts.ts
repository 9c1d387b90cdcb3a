/** Of SAEBench's result files the evaluations with a value for each data set or pair: k-sparse probing, TPP and SCR. */
import type { Measure } from '../report/schema.ts';
import { imported, type Results } from './imported.ts';

/** What a file's values became, those that no definition here has, and what is to be said of them. */
export interface Read {
  results: Results;
  unmapped: string[];
  caveats: string[];
}

export type Values = Map<string, number | null>;

/** A data set or pair: its name as the file has it, without what marks it as a result. */
export interface Detail {
  name: string;
  values: Values;
}

/** What a data set of a file has, beside its values. */
const UNCOUNTED = { train_rows: null, test_rows: null, duplicates: null } as const;

export function readProbing(
  values: Values,
  details: readonly Detail[],
  type: 'sparse_probing' | 'sparse_probing_sae_probes',
): Read {
  const suffix = type === 'sparse_probing' ? 'saebench' : 'sae-probes';
  const unmapped = [...values.keys()].filter(
    (name) => !probingField.test(name.replace(/^(?:sae|llm)\./, '')) && values.get(name) !== null,
  );
  // In a data set's entry the two groups stand side by side.
  const flat: Values = new Map(
    [...values].map(([name, value]) => [name.replace(/^(?:sae|llm)\./, ''), value]),
  );
  return {
    results: {
      k_sparse: {
        definitions: { accuracy: `probe_acc_k@${suffix}`, auroc: `probe_auc_k@${suffix}` },
        points: probingPoints(flat),
        ceiling: probingCeiling(flat),
        data_sets: details.map(({ name, values: own }) => ({
          ...UNCOUNTED,
          name,
          data: 'as SAEBench has it',
          classes: [],
          points: probingPoints(own),
          ceiling: probingCeiling(own),
        })),
      },
    },
    unmapped,
    caveats: ['Rows of the probes’ data sets are not counted in the file.'],
  };
}

const probingField = /^(?:llm_test_(?:accuracy|auc)|(?:sae|llm)_top_\d+_test_(?:accuracy|auc))$/;

function probingPoints(values: Values) {
  const ks = new Set<number>();
  for (const name of values.keys()) {
    const k = /^(?:sae|llm)_top_(\d+)_test_(?:accuracy|auc)$/.exec(name)?.[1];
    if (k !== undefined) ks.add(Number(k));
  }
  const get = (name: string): Measure => imported(values.get(name));
  return [...ks]
    .sort((a, b) => a - b)
    .map((k) => ({
      k,
      accuracy: get(`sae_top_${k}_test_accuracy`),
      auroc: get(`sae_top_${k}_test_auc`),
      baseline_accuracy: get(`llm_top_${k}_test_accuracy`),
      baseline_auroc: get(`llm_top_${k}_test_auc`),
    }))
    .filter((point) =>
      Object.values(point).some((value) => typeof value === 'object' && value.value !== null),
    );
}

function probingCeiling(values: Values): { accuracy: Measure; auroc: Measure } {
  return {
    accuracy: imported(values.get('llm_test_accuracy')),
    auroc: imported(values.get('llm_test_auc')),
  };
}

export function readTpp(values: Values, details: readonly Detail[]): Read {
  return {
    results: {
      tpp_saebench: {
        definition: 'tpp@saebench-N',
        points: tppPoints(values, 'tpp_metrics.'),
        data_sets: details.map(({ name, values: own }) => ({
          ...UNCOUNTED,
          name,
          data: 'as SAEBench has it',
          classes: [],
          accuracy: imported(null),
          points: tppPoints(own, ''),
        })),
      },
    },
    unmapped: [],
    caveats: ['Rows of the probes’ data sets are not counted in the file.'],
  };
}

function tppPoints(values: Values, prefix: string) {
  // A difference of accuracies may be −1; it is missing only as null.
  const get = (name: string): Measure => imported(values.get(`${prefix}${name}`), { minusOne: 'value' });
  return thresholds(values, prefix, /^tpp_threshold_(\d+)_total_metric$/).map((n) => ({
    n,
    value: get(`tpp_threshold_${n}_total_metric`),
    intended: get(`tpp_threshold_${n}_intended_diff_only`),
    unintended: get(`tpp_threshold_${n}_unintended_diff_only`),
  }));
}

export function readScr(values: Values, details: readonly Detail[]): Read {
  return {
    results: {
      scr_saebench: {
        definition: 'scr@saebench-N',
        points: scrPoints(values, 'scr_metrics.'),
        pairs: details.map(({ name, values: own }) => ({
          ...UNCOUNTED,
          ...pairOf(name),
          kept: null,
          removed: null,
          accuracy_clean: imported(null),
          accuracy_biased: imported(null),
          points: scrPoints(own, ''),
        })),
      },
    },
    unmapped: [],
    caveats: [
      'Of SCR the direction that counts is read; values of each single direction stand in the file.',
      'Rows of the probes’ data sets are not counted in the file.',
    ],
  };
}

/** `set_scr_pair` */
function pairOf(name: string): { name: string; data: string } {
  const at = name.lastIndexOf('_scr_');
  return at < 0
    ? { name, data: 'as SAEBench has it' }
    : { name: name.slice(at + 5), data: name.slice(0, at) };
}

function scrPoints(values: Values, prefix: string) {
  return thresholds(values, prefix, /^scr_metric_threshold_(\d+)$/).map((n) => ({
    n,
    value: imported(values.get(`${prefix}scr_metric_threshold_${n}`), { minusOne: 'value' }),
  }));
}

/** The N for which the file has a value. */
function thresholds(values: Values, prefix: string, pattern: RegExp): number[] {
  return [...values]
    .flatMap(([name, value]) => {
      const n = name.startsWith(prefix) ? pattern.exec(name.slice(prefix.length))?.[1] : undefined;
      return n === undefined || value === null ? [] : [Number(n)];
    })
    .sort((a, b) => a - b);
}
