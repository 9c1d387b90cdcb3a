/** SAEBench's sparse_probing, and the same fields over the data sets of sae-probes. */
import type { Curve, CurvePoint, Part } from '../../report/part.ts';
import type { EvaluationRecord } from '../../report/schema.ts';
import { imported } from '../imported.ts';
import {
  type Content,
  common,
  fields,
  leftOut,
  NOT_SAID,
  number,
  type Read,
  type ResultValues,
  type SaeBenchFormat,
  UNCOUNTED,
  UNCOUNTED_CAVEAT,
  UNKNOWN,
  type Values,
} from './format.ts';

/** Those that the schema has fields for. */
export const K_VALUES: readonly number[] = [1, 2, 5, 10, 20, 50, 100];

/** Names of the curves, and of their values in the file. */
const QUALITIES = { accuracy: 'accuracy', auroc: 'auc' } as const;

export const kSparse: SaeBenchFormat = {
  types: ['sparse_probing'],
  read: (found) => read(found, 'k-sparse'),
  write,
};

/**
 * @param suite whose part the values are
 * @param qualities the curves that the suite has, and what the file calls their values
 */
export function read(
  { values, details }: ResultValues,
  suite: string,
  qualities: Readonly<Record<string, string>> = QUALITIES,
): Read {
  const curve = (key: string): Curve => ({
    ...lines(values, key),
    sets: details.map(({ name, values: own }) => ({ name, ...lines(own, key) })),
  });
  const part: Part = {
    curves: Object.fromEntries(Object.entries(qualities).map(([name, key]) => [name, curve(key)])),
    tables: {
      data_sets: details.map(({ name }) => ({ name, note: NOT_SAID, cells: { classes: [], ...UNCOUNTED } })),
    },
  };
  const field = new RegExp(`^(?:llm|(?:sae|llm)_top_\\d+)_test_(?:${Object.values(qualities).join('|')})$`);
  return {
    results: { suites: { [suite]: part } },
    unmapped: [...values].flatMap(([name, value]) => (value === null || field.test(name) ? [] : [name])),
    caveats: [UNCOUNTED_CAVEAT],
  };
}

/** At every k for which the file has any value, of whatever quality. */
function lines(values: Values, key: string): Pick<Curve, 'points' | 'constants'> {
  const ks = new Set<number>();
  for (const [name, value] of values) {
    const k = /^(?:sae|llm)_top_(\d+)_test_(?:accuracy|auc|f1)$/.exec(name)?.[1];
    if (k !== undefined && value !== null && value !== UNKNOWN) ks.add(Number(k));
  }
  return {
    points: [...ks]
      .sort((a, b) => a - b)
      .map((k) => ({
        at: k,
        values: {
          sae: imported(values.get(`sae_top_${k}_test_${key}`)),
          channels: imported(values.get(`llm_top_${k}_test_${key}`)),
        },
      })),
    constants: { ceiling: imported(values.get(`llm_test_${key}`)) },
  };
}

function write(record: EvaluationRecord): Content | null {
  const { model, kind, suites } = record;
  const part = suites['k-sparse'];
  const found = part?.curves?.accuracy;
  const known = (found?.points ?? []).filter(({ at }) => K_VALUES.includes(at));
  if (found === undefined || known.length === 0) return null;
  const rows = part?.tables?.data_sets ?? [];
  const whole = ({ constants }: Pick<Curve, 'constants'>) =>
    kind === 'imported' ? number(constants?.ceiling) : UNKNOWN;
  const llm = (points: readonly CurvePoint[]) =>
    fields(K_VALUES, points, (k) => ({ [`llm_top_${k}_test_accuracy`]: 'channels' }));
  const sae = (points: readonly CurvePoint[]) =>
    fields(K_VALUES, points, (k) => ({ [`sae_top_${k}_test_accuracy`]: 'sae' }));
  return {
    config: {
      random_seed: UNKNOWN,
      dataset_names: found.sets.map(({ name }) => name),
      probe_train_set_size: common(rows, 'train_rows'),
      probe_test_set_size: common(rows, 'test_rows'),
      context_length: kind === 'measured' ? 128 : UNKNOWN,
      sae_batch_size: UNKNOWN,
      llm_batch_size: null,
      llm_dtype: model.dtype ?? '',
      model_name: model.id,
      k_values: known.map(({ at }) => at),
      lower_vram_usage: false,
    },
    metrics: {
      llm: { llm_test_accuracy: whole(found), ...llm(found.points) },
      sae: { sae_test_accuracy: null, ...sae(found.points) },
    },
    details: found.sets.map((set) => ({
      dataset_name: `${set.name}_results`,
      llm_test_accuracy: whole(set),
      ...llm(set.points),
      sae_test_accuracy: null,
      ...sae(set.points),
    })),
    differences: leftOut('k', found.points, K_VALUES),
  };
}
