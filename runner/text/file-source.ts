/** Data files as a source of rows, from any recorded position on. */
import { z } from 'zod';
import { UserError } from '../errors.ts';
import { csvRows } from '../formats/csv.ts';
import { isJsonList, jsonList } from '../formats/json-list.ts';
import { BrokenRow, jsonLines, lines, paragraphs } from '../formats/lines.ts';
import { openParquet } from '../formats/parquet.ts';
import type { ByteSource } from '../io/byte-source.ts';
import { type DataFile, formatOf } from '../io/data-files.ts';
import { extractor, fieldsOf } from './extract.ts';
import { type SourcePosition, type SourceRow, START, type TextSource } from './source.ts';

/** A source of a corpus, as the configuration declares it. */
export const sourceDeclaration = z.strictObject({
  data: z
    .string()
    .min(1)
    .max(1_000)
    .describe('path or pattern of this machine, or datasets/owner/name[@revision]:files on the hub'),
  weight: z.number().positive().max(1e9).default(1).describe('share of the texts drawn'),
  extract: extractor.prefault({ kind: 'text' }).describe('how the text of a row is found'),
  documents: z
    .enum(['line', 'paragraph', 'file'])
    .default('paragraph')
    .describe('what one document of a .txt file is'),
  given: z.string().max(1_000).optional().describe('the reference as it was written; a run fills it in'),
  fingerprint: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional()
    .describe('hash of the names, sizes and ends of local files; a run fills it in'),
});
export type SourceDeclaration = z.infer<typeof sourceDeclaration>;

/** Longest .txt file taken as one document, bytes. */
const MAX_FILE_DOCUMENT = 2 ** 26;

/** @param name unique in its mixture */
export function fileSource(
  name: string,
  { weight, extract, documents }: Omit<SourceDeclaration, 'data'>,
  files: readonly DataFile[],
): TextSource {
  const read = { fields: fieldsOf(extract), documents, keepBroken: true };
  return { name, weight, extractor: extract, rows: (start) => fileRows(files, start, read) };
}

export interface ReadFields {
  /** Fields that are needed, perhaps inside others: a.b. Other columns of a parquet file are not read. */
  fields: readonly string[];
  documents: SourceDeclaration['documents'];
  /** Give rows that are not what the format asks for as BrokenRow, where they can be told from the next. */
  keepBroken?: boolean;
}

/**
 * The rows of files, one file after the other.
 *
 * @throws UserError when a parquet file lacks a column; MalformedError when a file breaks its format
 */
export async function* fileRows(
  files: readonly DataFile[],
  start: SourcePosition,
  read: ReadFields,
): AsyncGenerator<SourceRow> {
  for (let file = start.file; file < files.length; file++) {
    const each = files[file]!;
    const from = file === start.file ? start : { ...START, file };
    const source = await each.open();
    try {
      yield* rowsOf(source, each, from, read);
    } finally {
      await source.close();
    }
  }
}

async function* rowsOf(
  source: ByteSource,
  { path }: DataFile,
  start: SourcePosition,
  { fields, documents, keepBroken = false }: ReadFields,
): AsyncGenerator<SourceRow> {
  const { file } = start;
  let { row } = start;
  const give = (found: unknown, byte: number): SourceRow => {
    const place = `${source.name} row ${row}`;
    const value = found instanceof BrokenRow ? found.named(place) : found;
    if (value instanceof BrokenRow && !keepBroken) throw value.error;
    row++;
    return { value, place, next: { file, row, byte } };
  };
  const format = formatOf(path)!;
  switch (format.kind) {
    case 'parquet': {
      const parquet = await openParquet(source);
      const columns = fields.map((name) =>
        parquet.columns.includes(name) || !name.includes('.') ? name : name.slice(0, name.indexOf('.')),
      );
      for await (const value of parquet.read(row, [...new Set(columns)])) yield give(value, 0);
      return;
    }
    case 'json': {
      const { compression } = format;
      const list = /\.json(?:\.|$)/i.test(path) && (await isJsonList(source, compression));
      const rows = list ? jsonList : jsonLines;
      for await (const { value, next } of rows(source, compression, start.byte)) yield give(value, next);
      return;
    }
    case 'csv':
    case 'tsv': {
      const separator = format.kind === 'csv' ? ',' : '\t';
      for await (const { value, next } of csvRows(source, format.compression, separator, start.byte))
        yield give(value, next);
      return;
    }
    case 'text': {
      const field = fields[0] ?? 'text';
      if (documents === 'file') {
        if (row === 0) yield give({ [field]: await wholeText(source, format.compression) }, 0);
        return;
      }
      const split = documents === 'line' ? lines : paragraphs;
      for await (const { text, next } of split(source, format.compression, start.byte))
        yield give({ [field]: text }, next);
      return;
    }
    default:
      format.kind satisfies never;
  }
}

async function wholeText(source: ByteSource, compression: 'none' | 'gzip' | 'zstd'): Promise<string> {
  const parts: string[] = [];
  let length = 0;
  for await (const { text } of lines(source, compression)) {
    parts.push(text);
    length += text.length + 1;
    if (length > MAX_FILE_DOCUMENT) {
      throw new UserError({
        thing: source.name,
        found: `more than ${MAX_FILE_DOCUMENT} characters`,
        expected: 'smaller files where each is one document',
        next: 'Set "documents" of the source to "paragraph" or "line".',
      });
    }
  }
  return parts.join('\n');
}
