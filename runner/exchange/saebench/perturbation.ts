/** SAEBench's TPP and SCR. */
import { MalformedError } from '../../errors.ts';
import type { CurvePoint, Row } from '../../report/part.ts';
import type { EvaluationRecord, Part } from '../../report/schema.ts';
import { imported } from '../imported.ts';
import {
  type Content,
  common,
  fields,
  leftOut,
  NOT_SAID,
  type Read,
  type ResultValues,
  type SaeBenchFormat,
  UNCOUNTED,
  UNCOUNTED_CAVEAT,
  UNKNOWN,
  type Values,
} from './format.ts';

/** Those that the schemas have fields for. */
const N_VALUES: readonly number[] = [2, 5, 10, 20, 50, 100, 500];

const TPP_FIELD = /^tpp_threshold_(\d+)_(?:total_metric|intended_diff_only|unintended_diff_only)$/;
const SCR_FIELD = /^scr_(?:metric|dir1|dir2)_threshold_(\d+)$/;

/** Older versions have both in one file. */
export const tpp: SaeBenchFormat = {
  types: ['tpp', 'shift_and_tpp', 'scr_and_tpp'],
  read,
  write: writeTpp,
};
export const scr: SaeBenchFormat = { types: ['scr'], read, write: writeScr };

const tppFields = (n: number): Record<string, string> => ({
  [`tpp_threshold_${n}_total_metric`]: 'tpp',
  [`tpp_threshold_${n}_intended_diff_only`]: 'intended',
  [`tpp_threshold_${n}_unintended_diff_only`]: 'unintended',
});
/** The direction that counts; those of each single direction are not kept in records. */
const scrFields = (n: number): Record<string, string> => ({
  [`scr_dir1_threshold_${n}`]: '',
  [`scr_metric_threshold_${n}`]: 'scr',
  [`scr_dir2_threshold_${n}`]: '',
});

function read({ values, details, thing }: ResultValues): Read {
  const has = (field: RegExp, of: Values): boolean => [...of.keys()].some((name) => field.test(name));
  const [hasTpp, hasScr] = [has(TPP_FIELD, values), has(SCR_FIELD, values)];
  if (!hasTpp && !hasScr) {
    throw new MalformedError({
      thing,
      found: `no value of TPP or SCR among ${values.size}`,
      expected: 'tpp_threshold_N_total_metric or scr_metric_threshold_N',
      next: 'Import the file as the evaluation wrote it.',
    });
  }
  const of = (field: RegExp) => details.filter((detail) => has(field, detail.values));
  return {
    results: {
      suites: {
        ...(hasTpp && { tpp: tppPart(values, of(TPP_FIELD)) }),
        ...(hasScr && { scr: scrPart(values, of(SCR_FIELD)) }),
      },
    },
    unmapped: [...values.keys()].filter((name) => !TPP_FIELD.test(name) && !SCR_FIELD.test(name)),
    caveats: [
      ...(hasScr
        ? ['Of SCR the direction that counts is read; values of each single direction stand in the file.']
        : []),
      UNCOUNTED_CAVEAT,
    ],
  };
}

function tppPart(values: Values, details: ResultValues['details']): Part {
  return {
    curves: {
      tpp: {
        points: pointsOf(values, TPP_FIELD, tppFields),
        sets: details.map(({ name, values: own }) => ({ name, points: pointsOf(own, TPP_FIELD, tppFields) })),
      },
    },
    tables: {
      data_sets: details.map(({ name }) => ({
        name,
        note: NOT_SAID,
        cells: { classes: [], accuracy: imported(null), ...UNCOUNTED },
      })),
    },
  };
}

function scrPart(values: Values, details: ResultValues['details']): Part {
  const points = (of: Values) => pointsOf(of, /^scr_metric_threshold_(\d+)$/, scrFields);
  return {
    curves: {
      scr: {
        points: points(values),
        // Pairs of two data sets may have one name.
        sets: details.map(({ name, values: own }) => ({ name, points: points(own) })),
      },
    },
    tables: {
      pairs: details.map(({ name }) => {
        const pair = pairOf(name);
        return {
          name: pair.name,
          note: pair.data,
          cells: {
            kept: null,
            removed: null,
            accuracy_clean: imported(null),
            accuracy_biased: imported(null),
            ...UNCOUNTED,
          },
        };
      }),
    },
  };
}

/** `set_scr_pair` */
function pairOf(name: string): { name: string; data: string } {
  const at = name.lastIndexOf('_scr_');
  return at < 0 ? { name, data: NOT_SAID } : { name: name.slice(at + 5), data: name.slice(0, at) };
}

/** At the N for which the file has a value. A difference of accuracies may be −1; it is missing only as null. */
function pointsOf(
  values: Values,
  pattern: RegExp,
  named: (n: number) => Record<string, string>,
): CurvePoint[] {
  const ns = [...values].flatMap(([name, value]) => {
    const n = pattern.exec(name)?.[1];
    return n === undefined || value === null ? [] : [Number(n)];
  });
  return [...new Set(ns)]
    .sort((a, b) => a - b)
    .map((n) => ({
      at: n,
      values: Object.fromEntries(
        Object.entries(named(n)).flatMap(([name, line]) =>
          line === '' ? [] : [[line, imported(values.get(name), { minusOne: 'value' })]],
        ),
      ),
    }));
}

function writeTpp(record: EvaluationRecord): Content | null {
  const found = record.suites.tpp?.curves?.tpp;
  if (found === undefined || !found.points.some(({ at }) => N_VALUES.includes(at))) return null;
  const rows = record.suites.tpp?.tables?.data_sets ?? [];
  return {
    config: perturbationConfig(
      record,
      false,
      rows.map(({ name }) => name),
      rows,
      found.points,
    ),
    metrics: { tpp_metrics: fields(N_VALUES, found.points, tppFields) },
    details: found.sets.map(({ name, points }) => ({
      dataset_name: `${name}_tpp_results`,
      ...fields(N_VALUES, points, tppFields),
    })),
    differences: [...probesDiffer(record), ...leftOut('N', found.points, N_VALUES)],
  };
}

function writeScr(record: EvaluationRecord): Content | null {
  const found = record.suites.scr?.curves?.scr;
  if (found === undefined || !found.points.some(({ at }) => N_VALUES.includes(at))) return null;
  const rows = record.suites.scr?.tables?.pairs ?? [];
  return {
    config: perturbationConfig(
      record,
      true,
      rows.map(({ note = NOT_SAID }) => note),
      rows,
      found.points,
    ),
    metrics: { scr_metrics: fields(N_VALUES, found.points, scrFields) },
    details: found.sets.map(({ name, points }, i) => ({
      dataset_name: `${rows[i]?.note ?? NOT_SAID}_scr_${(rows[i]?.name ?? name).replace(' / ', '_')}_results`,
      ...fields(N_VALUES, points, scrFields),
    })),
    differences: [...probesDiffer(record), ...leftOut('N', found.points, N_VALUES)],
  };
}

function perturbationConfig(
  { model, kind }: EvaluationRecord,
  perform_scr: boolean,
  dataSets: readonly string[],
  rows: readonly Row[],
  points: readonly CurvePoint[],
): Record<string, unknown> {
  return {
    random_seed: UNKNOWN,
    dataset_names: [...new Set(dataSets)],
    perform_scr,
    early_stopping_patience: UNKNOWN,
    train_set_size: common(rows, 'train_rows'),
    test_set_size: common(rows, 'test_rows'),
    context_length: kind === 'measured' ? 128 : UNKNOWN,
    // Of the definition.
    probe_train_batch_size: 16,
    probe_test_batch_size: UNKNOWN,
    probe_epochs: 20,
    probe_lr: 1e-3,
    probe_l1_penalty: 1e-3,
    sae_batch_size: UNKNOWN,
    llm_batch_size: UNKNOWN,
    llm_dtype: model.dtype ?? '',
    lower_vram_usage: false,
    model_name: model.id,
    n_values: points.map(({ at }) => at).filter((n) => N_VALUES.includes(n)),
    column1_vals_lookup: {},
  };
}

function probesDiffer({ kind }: EvaluationRecord): string[] {
  if (kind === 'imported') return [];
  return [
    'Probes are those of the last epoch, SAEBench takes the epoch best on the test rows; what the SAE decodes from padding is left out.',
  ];
}
