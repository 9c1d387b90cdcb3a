/** SAEBench's absorption of first letters. */
import { isMeasure } from '../../report/is-measure.ts';
import type { Cell, Row } from '../../report/part.ts';
import type { EvaluationRecord } from '../../report/schema.ts';
import { LEAST_F1, LEAST_LETTERS, SPARSE } from '../../suites/absorption/score.ts';
import { TEMPLATE } from '../../suites/absorption/words.ts';
import { readFlat } from './flat.ts';
import {
  type Content,
  numberOf,
  type Read,
  type ResultValues,
  type SaeBenchFormat,
  UNKNOWN,
} from './format.ts';

/** A file does not say by which of two rules its fraction was computed. */
const DEFINITIONS = {
  mean_absorption_fraction_score: 'absorption_fraction@saebench',
  mean_full_absorption_score: 'absorption_full@saebench',
  mean_num_split_features: 'split_latents@saebench',
} as const;

export const absorption: SaeBenchFormat = {
  types: ['absorption_first_letter', 'absorption'],
  read,
  write,
};

function read({ values }: ResultValues): Read {
  return readFlat(values, DEFINITIONS);
}

function write(record: EvaluationRecord): Content | null {
  const part = record.suites.absorption;
  // What is written today has the rule of today.
  const current = numberOf(record, 'absorption_fraction@saebench-0.6');
  const fraction = current === UNKNOWN ? numberOf(record, 'absorption_fraction@saebench') : current;
  const full = numberOf(record, 'absorption_full@saebench');
  const split = numberOf(record, 'split_latents@saebench');
  if ([fraction, full, split].every((value) => value === UNKNOWN)) return null;
  const letters = part?.tables?.letters ?? [];
  const settings = record.provenance.config?.suites;
  const own = numbersOf(settings, 'absorption');
  const spread = (key: string) => deviation(letters.map((row) => numberIn(row.cells[key])));
  return {
    config: {
      random_seed: record.provenance.seeds.probe_text ?? UNKNOWN,
      model_name: record.model.id,
      f1_jump_threshold: own.f1Jump ?? UNKNOWN,
      max_k_value: own.latents ?? UNKNOWN,
      prompt_template: `{word}${TEMPLATE}`,
      // Where the word stands in the prompt: a matter of the tokenizer.
      prompt_token_pos: UNKNOWN,
      llm_batch_size: UNKNOWN,
      llm_dtype: record.model.dtype ?? '',
      k_sparse_probe_l1_decay: SPARSE.l1,
      k_sparse_probe_batch_size: SPARSE.batchRows,
      k_sparse_probe_num_epochs: SPARSE.epochs,
      min_GT_probe_f1: LEAST_F1,
      min_feats_for_eval: LEAST_LETTERS,
      eval_k_sparse_probe_batch_size: UNKNOWN,
      precalc_k_sparse_probe_sae_acts: true,
    },
    metrics: {
      mean: {
        mean_absorption_fraction_score: fraction,
        mean_full_absorption_score: full,
        mean_num_split_features: split,
        std_dev_absorption_fraction_score: spread('fraction'),
        std_dev_full_absorption_score: spread('full'),
        std_dev_num_split_features: spread('split'),
      },
    },
    details: letters.map(detail),
    differences:
      record.kind === 'measured'
        ? [
            'Words are drawn and probes begin by seeds of this program; probes on latents are solved to their optimum; words that the prompt cuts are left out.',
          ]
        : [],
  };
}

function detail({ name, cells }: Row): Record<string, unknown> {
  const count = (key: string): number => numberIn(cells[key]) ?? UNKNOWN;
  return {
    first_letter: name,
    mean_absorption_fraction: count('fraction'),
    full_absorption_rate: count('full'),
    num_full_absorption: count('full_words'),
    num_probe_true_positives: count('words'),
    num_split_features: count('split'),
  };
}

function numberIn(cell: Cell | undefined): number | null {
  if (typeof cell === 'number') return cell;
  return isMeasure(cell) ? cell.value : null;
}

/** Of a sample, as Python's statistics.stdev. */
function deviation(values: readonly (number | null)[]): number {
  const known = values.filter((value) => value !== null);
  if (known.length < 2) return UNKNOWN;
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
  return Math.sqrt(known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (known.length - 1));
}

/** Settings of a suite that are numbers, as the record holds them. */
function numbersOf(settings: unknown, suite: string): Record<string, number> {
  const own = typeof settings === 'object' && settings !== null ? Object.entries(settings) : [];
  const found = own.find(([id]) => id === suite)?.[1] as unknown;
  if (typeof found !== 'object' || found === null) return {};
  return Object.fromEntries(
    Object.entries(found).filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
  );
}
