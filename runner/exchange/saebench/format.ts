/** One evaluation of SAEBench: how its result files are read into a record, and written from one. */
import { type BaseDefinitionId, baseDefinitionIds } from '../../report/definitions.ts';
import { measureOf } from '../../report/measures.ts';
import type { CurvePoint, Row } from '../../report/part.ts';
import type { EvaluationRecord, Measure } from '../../report/schema.ts';
import { ownerOf } from '../../report/suites/find.ts';
import type { Results } from '../imported.ts';

export interface SaeBenchFormat {
  /** `eval_type_id`s of the files it reads; the first is that of the file it writes. */
  types: readonly [string, ...string[]];
  /** @throws MalformedError when the file holds nothing of it */
  read(found: ResultValues): Read;
  /** Null where the record has nothing of it; without it nothing is written. */
  write?(record: EvaluationRecord): Content | null;
}

export type Values = Map<string, number | null>;

export interface ResultValues {
  /** By their own name: their categories have changed theirs. */
  values: Values;
  /** Data sets or pairs: the name as the file has it, without what marks it as a result. */
  details: readonly { name: string; values: Values }[];
  /** The file, for errors. */
  thing: string;
}

/** What a file's values became, those that no definition here has, and what is to be said of them. */
export interface Read {
  results: Results;
  unmapped: string[];
  caveats: string[];
}

/** What of a result file differs between evaluations. */
export interface Content {
  config: Record<string, unknown>;
  metrics: Record<string, Record<string, number | null>>;
  details: Record<string, unknown>[];
  /** Where the number is not made exactly as SAEBench makes it. */
  differences: string[];
}

/** What the schemas allow for a number that is missing, where they do not allow null. */
export const UNKNOWN = -1;

/** Of a file of others that names its data sets and says nothing more of them. */
export const NOT_SAID = 'as SAEBench has it';
export const UNCOUNTED = { train_rows: null, test_rows: null, duplicates: null } as const;
export const UNCOUNTED_CAVEAT = 'Rows of the probes’ data sets are not counted in the file.';

export function number(measure: Measure | undefined): number {
  return measure?.value ?? UNKNOWN;
}

export function numberOf(record: EvaluationRecord, id: string): number {
  return number(measureOf(record, id));
}

/** Fields for each of the counts the schema has fields for; null where the record has no such point. */
export function fields(
  counts: readonly number[],
  points: readonly CurvePoint[],
  named: (count: number) => Record<string, string>,
): Record<string, number | null> {
  return Object.fromEntries(
    counts.flatMap((count) => {
      const found = points.find(({ at }) => at === count);
      return Object.entries(named(count)).map(([name, line]) => [name, found?.values[line]?.value ?? null]);
    }),
  );
}

export function leftOut(
  letter: 'k' | 'N',
  points: readonly CurvePoint[],
  known: readonly number[],
): string[] {
  const found = points.map(({ at }) => at).filter((at) => !known.includes(at));
  return found.length === 0 ? [] : [`Measured and without a field here: ${letter} = ${found.join(', ')}.`];
}

/** The count that all rows of a table have in a column. */
export function common(rows: readonly Row[], column: string): number {
  const [first] = rows;
  const value = first?.cells[column];
  return typeof value === 'number' && rows.every(({ cells }) => cells[column] === value) ? value : UNKNOWN;
}

/** Measures by definition as the parts of a record that they belong to. */
export function resultsOf(table: Readonly<Record<string, Measure>>): Results {
  const metrics: NonNullable<Results['metrics']> = {};
  const suites: NonNullable<Results['suites']> = {};
  for (const [id, measure] of Object.entries(table)) {
    const owner = ownerOf(id);
    if (owner !== null) suites[owner] = { measures: { ...suites[owner]?.measures, [id]: measure } };
    else if (isBase(id)) metrics[id] = measure;
  }
  return { metrics, suites };
}

function isBase(id: string): id is BaseDefinitionId {
  return (baseDefinitionIds as readonly string[]).includes(id);
}
