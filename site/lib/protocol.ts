/** What makes two records answers to different questions: text, window, rules, hook. Free of zod: the browser asks too. */
import type { EvaluationRecord } from '../../runner/report/schema.ts';
import { formatCount } from './format.ts';
import { hookWords } from './hook-words.ts';
import { kindLabels } from './kinds.ts';

export interface ProtocolDifference {
  /** What differs. */
  name: string;
  /** What each record has, in their order. */
  values: string[];
}

const unknown = 'not said';

type Reader = readonly [name: string, read: (entry: EvaluationRecord) => string];

/** In the order in which they matter. */
const readers: readonly Reader[] = [
  ['Language model', ({ model, sae }) => [model.id, sae.other_model?.id].filter(Boolean).join(' and ')],
  ['Hook', ({ sae }) => hookWords(sae)],
  ['Type of its weights', ({ model }) => model.dtype ?? unknown],
  ['Evaluation text', ({ data }) => (data === null ? unknown : `${data.name}, ${data.split}`)],
  ['Seed of the text', ({ data }) => (data?.seed == null ? unknown : String(data.seed))],
  ['Tokens evaluated', ({ data }) => (data === null ? unknown : formatCount(data.tokens))],
  ['Tokens per row', ({ data }) => (data?.row_tokens == null ? unknown : formatCount(data.row_tokens))],
  ['Who measured', ({ kind }) => kindLabels[kind]],
];

/** What makes them answers to different questions, so that a difference of theirs names no better one. */
export function unlikeIn(records: readonly EvaluationRecord[]): ProtocolDifference[] {
  return readers.flatMap(([name, read]) => {
    const values = records.map(read);
    return new Set(values).size > 1 ? [{ name, values }] : [];
  });
}

/** Those of an SAE's model to compare it with: measured alike, or all where none was. */
export function comparableWith(
  entry: EvaluationRecord,
  among: readonly EvaluationRecord[],
): readonly EvaluationRecord[] {
  const others = among.filter((other) => other !== entry);
  const alike = others.filter((other) => unlikeIn([entry, other]).length === 0);
  return alike.length > 0 ? alike : others;
}

/**
 * Everything by which a comparison of these records could mislead: what they are unlike in, else the rows resampled, whose
 * chance the intervals hold. Empty where they were measured alike.
 */
export function protocolDifferences(records: readonly EvaluationRecord[]): ProtocolDifference[] {
  const found = unlikeIn(records);
  const rows = records.map(({ paired }) => paired?.tokens ?? null);
  // Said only where nothing above says it already.
  if (found.length === 0 && new Set(rows).size > 1)
    found.push({
      name: 'Rows resampled',
      values: rows.map((hash) => (hash === null ? 'no resamples' : `rows ${hash.slice(0, 8)}`)),
    });
  return found;
}
