/**
 * Files of the content folder -> records. Each file is one record, or a table of published figures with a record per row; or
 * it says how alike the decoders of a run are.
 */
import type { z } from 'zod';
import { type RecordTable, recordsOf, recordTable, tableVersion } from './record-table.ts';
import { type EvaluationRecord, record, schemaVersion } from './schema.ts';
import { type Similarity, similarity, similarityVersion } from './similarity.ts';

export interface ContentFile {
  /** Path in the content folder, with slashes. */
  file: string;
  records: EvaluationRecord[];
  /** Where the records are its rows. */
  table: RecordTable | null;
  /** Of a file that holds no record. */
  similarity: Similarity | null;
}

/**
 * The records of a file, held to their schema.
 *
 * @throws Error naming the file and the fields that are wrong
 */
export function checkContent(file: string, text: string): ContentFile {
  const value = parsed(file, text);
  switch (schemaOf(value)) {
    case similarityVersion:
      return { file, records: [], table: null, similarity: held(file, similarity.safeParse(value)) };
    case tableVersion: {
      const table = held(file, recordTable.safeParse(value));
      return { file, records: tableRecords(file, table), table, similarity: null };
    }
    default:
      return { file, records: [held(file, record.safeParse(value))], table: null, similarity: null };
  }
}

/** The same of a file that was held to its schema before: a second time would cost most of a build. */
export function trustedContent(file: string, text: string): ContentFile {
  const value = parsed(file, text);
  if (schemaOf(value) !== schemaVersion) return checkContent(file, text);
  return { file, records: [value as EvaluationRecord], table: null, similarity: null };
}

function parsed(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${file} failed to parse: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function schemaOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'schema' in value ? value.schema : undefined;
}

function tableRecords(file: string, table: RecordTable): EvaluationRecord[] {
  return recordsOf(table).map((found) => held(file, found));
}

function held<T>(file: string, found: z.ZodSafeParseResult<T>): T {
  if (found.success) return found.data;
  const faults = found.error.issues.map(
    ({ path, message }) => `${path.map(String).join('.') || 'top level'}: ${message}`,
  );
  throw new Error(`${file}: ${faults.join('; ')}`);
}
