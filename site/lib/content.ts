/**
 * Files of the content folder -> records. Each file is one record, or a table of published figures with a record per row; or
 * it says how alike the decoders of a run are.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';
import type { z } from 'zod';
import { FEATURES } from '../../runner/report/feature-places.ts';
import { type RecordTable, recordsOf, recordTable, tableVersion } from '../../runner/report/record-table.ts';
import { type EvaluationRecord, record, schemaVersion } from '../../runner/report/schema.ts';
import { type Similarity, similarity, similarityVersion } from '../../runner/report/similarity.ts';

/** Where the site's records lie. */
export const contentFolder = resolve(process.env.INTERPBOARD_CONTENT ?? 'content');

export interface ContentFile {
  /** Path in the content folder, with slashes. */
  file: string;
  records: EvaluationRecord[];
  /** Where the records are its rows. */
  table: RecordTable | null;
  /** Of a file that holds no record. */
  similarity: Similarity | null;
}

/** Paths in the folder of every file that holds records, sorted. */
export function contentFiles(folder = contentFolder): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((file) => file.split(sep).join('/'))
    .filter((file) => file.endsWith('.json') && !file.startsWith(`${FEATURES}/`))
    .toSorted();
}

export function readContent(file: string, folder = contentFolder): string {
  return readFileSync(join(folder, file), 'utf8');
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
