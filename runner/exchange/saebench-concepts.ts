/** Of SAEBench's result files the evaluations with a value for each data set or pair: k-sparse probing, TPP and SCR. */
import { MalformedError } from '../errors.ts';
import type { Measure, ScrSaeBench, TppSaeBench } from '../report/schema.ts';
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
  const unmapped = [...values.keys()].filter((name) => !probingField.test(name) && values.get(name) !== null);
  return {
    results: {
      k_sparse: {
        definitions: { accuracy: `probe_acc_k@${suffix}`, auroc: `probe_auc_k@${suffix}` },
        points: probingPoints(values),
        ceiling: probingCeiling(values),
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

const TPP_FIELD = /^tpp_threshold_(\d+)_(?:total_metric|intended_diff_only|unintended_diff_only)$/;
const SCR_FIELD = /^scr_(?:metric|dir1|dir2)_threshold_(\d+)$/;

/** TPP, SCR, or both: older versions have them in one file. @throws MalformedError when it holds neither */
export function readPerturbations(values: Values, details: readonly Detail[], thing: string): Read {
  const has = (field: RegExp, of: Values): boolean => [...of.keys()].some((name) => field.test(name));
  const [tpp, scr] = [has(TPP_FIELD, values), has(SCR_FIELD, values)];
  if (!tpp && !scr) {
    throw new MalformedError({
      thing,
      found: `no value of TPP or SCR among ${values.size}`,
      expected: 'tpp_threshold_N_total_metric or scr_metric_threshold_N',
      next: 'Import the file as the evaluation wrote it.',
    });
  }
  const of = (field: RegExp): Detail[] => details.filter((detail) => has(field, detail.values));
  return {
    results: {
      ...(tpp ? { tpp_saebench: tppOf(values, of(TPP_FIELD)) } : {}),
      ...(scr ? { scr_saebench: scrOf(values, of(SCR_FIELD)) } : {}),
    },
    unmapped: [...values.keys()].filter((name) => !TPP_FIELD.test(name) && !SCR_FIELD.test(name)),
    caveats: [
      ...(scr
        ? ['Of SCR the direction that counts is read; values of each single direction stand in the file.']
        : []),
      'Rows of the probes’ data sets are not counted in the file.',
    ],
  };
}

function tppOf(values: Values, details: readonly Detail[]): TppSaeBench {
  return {
    definition: 'tpp@saebench-N',
    points: tppPoints(values),
    data_sets: details.map(({ name, values: own }) => ({
      ...UNCOUNTED,
      name,
      data: 'as SAEBench has it',
      classes: [],
      accuracy: imported(null),
      points: tppPoints(own),
    })),
  };
}

function tppPoints(values: Values) {
  // A difference of accuracies may be −1; it is missing only as null.
  const get = (name: string): Measure => imported(values.get(name), { minusOne: 'value' });
  return thresholds(values, TPP_FIELD).map((n) => ({
    n,
    value: get(`tpp_threshold_${n}_total_metric`),
    intended: get(`tpp_threshold_${n}_intended_diff_only`),
    unintended: get(`tpp_threshold_${n}_unintended_diff_only`),
  }));
}

function scrOf(values: Values, details: readonly Detail[]): ScrSaeBench {
  return {
    definition: 'scr@saebench-N',
    points: scrPoints(values),
    pairs: details.map(({ name, values: own }) => ({
      ...UNCOUNTED,
      ...pairOf(name),
      kept: null,
      removed: null,
      accuracy_clean: imported(null),
      accuracy_biased: imported(null),
      points: scrPoints(own),
    })),
  };
}

/** `set_scr_pair` */
function pairOf(name: string): { name: string; data: string } {
  const at = name.lastIndexOf('_scr_');
  return at < 0
    ? { name, data: 'as SAEBench has it' }
    : { name: name.slice(at + 5), data: name.slice(0, at) };
}

function scrPoints(values: Values) {
  return thresholds(values, /^scr_metric_threshold_(\d+)$/).map((n) => ({
    n,
    value: imported(values.get(`scr_metric_threshold_${n}`), { minusOne: 'value' }),
  }));
}

/** The N for which the file has a value. */
function thresholds(values: Values, pattern: RegExp): number[] {
  const found = [...values].flatMap(([name, value]) => {
    const n = pattern.exec(name)?.[1];
    return n === undefined || value === null ? [] : [Number(n)];
  });
  return [...new Set(found)].sort((a, b) => a - b);
}
