/** Rows of a CSV file as RFC 4180 has it: the first names the columns, quotes hold commas, quotes and line breaks. */
import { MalformedError } from '../errors.ts';
import type { ByteSource } from '../io/byte-source.ts';
import { BrokenRow, type Compression, lines, MAX_LINE_BYTES } from './lines.ts';

/** @param separator a comma, or a tab for .tsv */
export async function* csvRows(
  source: ByteSource,
  compression: Compression,
  separator: ',' | '\t',
  start = 0,
  limit = MAX_LINE_BYTES,
): AsyncGenerator<{ value: unknown; next: number }> {
  let columns: readonly string[] | undefined;
  // The names come first, wherever reading begins.
  for await (const { fields, next } of records(source, compression, separator, 0, limit)) {
    if (fields === null)
      throw broken(
        source.name,
        'a first row with quotes that do not stand around a field',
        'names of columns',
      );
    columns = fields;
    start = Math.max(start, next);
    break;
  }
  if (columns === undefined) return;
  let before = start;
  for await (const { fields, next } of records(source, compression, separator, start, limit)) {
    yield { value: rowOf(columns, fields, `${source.name}, bytes ${before} to ${next}`), next };
    before = next;
  }
}

function rowOf(columns: readonly string[], fields: readonly string[] | null, thing: string): unknown {
  if (fields?.length === columns.length)
    return Object.fromEntries(columns.map((name, i) => [name, fields[i]!]));
  const found = fields === null ? 'quotes that do not stand around a field' : `${fields.length} fields`;
  const next = 'Mend the row or leave it out, or let corpus.badRows pass over a share of such rows.';
  return new BrokenRow(new MalformedError({ thing, found, expected: `${columns.length} fields`, next }));
}

/** Lines up to one that leaves no quote open; null for fields that are quoted wrongly. Blank lines are passed over. */
async function* records(
  source: ByteSource,
  compression: Compression,
  separator: string,
  start: number,
  limit: number,
): AsyncGenerator<{ fields: string[] | null; next: number }> {
  let held = '';
  for await (const { text, ending, next } of lines(source, compression, start, limit)) {
    held += text;
    if (held.length > limit) break;
    if ((held.split('"').length - 1) % 2 === 1) {
      held += ending;
      continue;
    }
    if (held.trim() !== '') yield { fields: fieldsOf(held, separator), next };
    held = '';
  }
  if (held === '') return;
  throw broken(source.name, 'a quote that is never closed', 'an even number of quotes in each row');
}

function broken(thing: string, found: string, expected: string): MalformedError {
  return new MalformedError({ thing, found, expected, next: 'Download the file again, or leave it out.' });
}

function fieldsOf(record: string, separator: string): string[] | null {
  const fields: string[] = [];
  const field = new RegExp(`(?:"((?:[^"]|"")*)"|([^"${separator}]*))(${separator}|$)`, 'y');
  for (;;) {
    const match = field.exec(record);
    if (match === null) return null;
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2]!);
    if (match[3] === '') return fields;
  }
}
