/** SAEBench's sparse_probing_sae_probes. */
import type { Curve } from '../../report/part.ts';
import type { EvaluationRecord } from '../../report/schema.ts';
import { SEED } from '../../suites/sae-probes/split.ts';
import { type Content, fields, leftOut, number, type SaeBenchFormat, UNKNOWN } from './format.ts';
import { K_VALUES, read } from './k-sparse.ts';

/** Names of the curves, and of their values in the file. */
const QUALITIES = { accuracy: 'accuracy', auroc: 'auc', f1: 'f1' } as const;
type Quality = keyof typeof QUALITIES;
const qualities = Object.keys(QUALITIES) as Quality[];

export const saeProbes: SaeBenchFormat = {
  types: ['sparse_probing_sae_probes'],
  read: (found) => read(found, 'sae-probes', QUALITIES),
  write,
};

/** The same place of each curve: of all tasks together, or of one. */
type Curves = Readonly<Record<Quality, Pick<Curve, 'points' | 'constants'> | undefined>>;

function write(record: EvaluationRecord): Content | null {
  const { curves = {} } = record.suites['sae-probes'] ?? {};
  const { accuracy, auroc, f1 } = curves;
  const found = accuracy ?? auroc;
  const known = (found?.points ?? []).filter(({ at }) => K_VALUES.includes(at));
  if (found === undefined || known.length === 0) return null;
  const whole = { accuracy, auroc, f1 };
  const settings = record.provenance.config?.suites;
  const own = isTable(settings) && isTable(settings['sae-probes']) ? settings['sae-probes'] : {};
  return {
    config: {
      model_name: record.model.id,
      random_seed: SEED,
      dataset_names: found.sets.map(({ name }) => name),
      reg_type: typeof own.penalty === 'string' ? own.penalty : 'l1',
      setting: 'normal',
      ks: found.points.map(({ at }) => at),
      binarize: false,
      results_path: '',
      model_cache_path: null,
      include_llm_baseline: true,
      baseline_method: 'logreg',
    },
    metrics: { llm: llm(whole), sae: { sae_test_accuracy: null, ...sae(whole) } },
    details: found.sets.map(({ name }) => {
      const of = (curve: Curve | undefined) => curve?.sets.find((set) => set.name === name);
      const one: Curves = { accuracy: of(accuracy), auroc: of(auroc), f1: of(f1) };
      return {
        dataset_name: name,
        ...llm(one),
        sae_test_accuracy: null,
        ...sae(one),
        sae_metrics_by_k: Object.fromEntries(found.points.map(({ at }) => [String(at), byK(one, at)])),
      };
    }),
    differences: [
      ...(record.kind === 'measured'
        ? ['Probes are solved to their optimum; sae-probes stops saga at 1000 iterations.']
        : []),
      ...leftOut('k', found.points, K_VALUES),
    ],
  };
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Of the probe on the whole residual; null where it is not known, as the schema allows. */
function llm(curves: Curves): Record<string, number | null> {
  return Object.fromEntries(
    qualities.map((each) => [`llm_test_${QUALITIES[each]}`, known(number(curves[each]?.constants?.ceiling))]),
  );
}

function sae(curves: Curves): Record<string, number | null> {
  const each = qualities.map((quality) =>
    fields(K_VALUES, curves[quality]?.points ?? [], (k) => ({
      [`sae_top_${k}_test_${QUALITIES[quality]}`]: 'sae',
    })),
  );
  return Object.assign({}, ...each) as Record<string, number | null>;
}

function byK(curves: Curves, k: number): Record<string, number> {
  return Object.fromEntries(
    qualities.flatMap((each) => {
      const value = curves[each]?.points.find(({ at }) => at === k)?.values.sae?.value;
      return value == null ? [] : [[`test_${QUALITIES[each]}`, value]];
    }),
  );
}

function known(value: number): number | null {
  return value === UNKNOWN ? null : value;
}
