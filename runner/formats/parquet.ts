/**
 * Rows of a parquet file by ranged reads: the footer, then of each row group the chunks of the wanted columns. The
 * decoding is hyparquet's; what a file claims of itself is checked before it reaches it.
 */
import { type FileMetaData, parquetMetadata, parquetScan } from 'hyparquet';
import { InterpboardError, MalformedError, quote, UserError } from '../errors.ts';
import type { ByteSource } from '../io/byte-source.ts';
import { COMPRESSORS, checkPages, MAX_CHUNK_VALUES } from './parquet-pages.ts';
import { structEnd } from './thrift-check.ts';

/** Read at once from the end of a file: holds the whole footer of most. */
const TAIL_BYTES = 2 ** 19;
/** The footer of a shard of 1,000 row groups and 20 columns has about 2 MB. */
const MAX_FOOTER_BYTES = 2 ** 26;
/** Compressed bytes of one column in one row group. Writers of text data keep them below about 100 MB. */
const MAX_CHUNK_BYTES = 2 ** 29;
/** Lists in structs in lists: real files go about six deep. */
const MAX_DEPTH = 24;
/** Magic, an empty footer, its length, magic. */
const SHORTEST_FILE = 12;

export type ParquetRow = Record<string, unknown>;

export interface ParquetFile {
  rows: number;
  /** Names of the columns at the top of the schema. */
  columns: string[];
  /**
   * Rows from `start` on, with the wanted columns alone. Reads one row group at a time; to begin in the middle of one
   * costs reading that one.
   *
   * @throws UserError when the file has no such column; MalformedError when its contents break the format
   */
  read(start: number, columns: readonly string[]): AsyncGenerator<ParquetRow>;
}

/** @throws MalformedError when it is no parquet file, or one beyond the limits */
export async function openParquet(source: ByteSource): Promise<ParquetFile> {
  const metadata = await readFooter(source);
  const counts = metadata.row_groups.map(({ num_rows }, group) => {
    const rows = Number(num_rows);
    if (!Number.isSafeInteger(rows) || rows < 0 || rows > MAX_CHUNK_VALUES)
      throw malformed(`${source.name}, row group ${group}`, `${num_rows} rows`, `0 to ${MAX_CHUNK_VALUES}`);
    return rows;
  });
  const columns = topLevel(metadata);
  return {
    rows: counts.reduce((sum, rows) => sum + rows, 0),
    columns,
    async *read(start, wanted) {
      for (const name of wanted) if (!columns.includes(name)) throw noColumn(source.name, name, columns);
      let first = 0;
      for (const [group, rows] of counts.entries()) {
        const [from, to] = [Math.max(start - first, 0), rows];
        first += rows;
        if (from < to) yield* await readGroup(source, metadata, group, wanted, from);
      }
    },
  };
}

async function readFooter(source: ByteSource): Promise<FileMetaData> {
  const { name, byteLength } = source;
  if (byteLength < SHORTEST_FILE) throw malformed(name, `${byteLength} bytes`, 'a parquet file');
  const tailStart = Math.max(0, byteLength - TAIL_BYTES);
  const tail = await source.slice(tailStart, byteLength);
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength);
  const magic = String.fromCharCode(...tail.subarray(-4));
  if (magic !== 'PAR1')
    throw malformed(name, `an end of ${quote(magic)}`, 'a parquet file, ending in "PAR1"');
  const length = view.getUint32(tail.byteLength - 8, true);
  const start = byteLength - 8 - length;
  if (start < 4 || length > MAX_FOOTER_BYTES) {
    const most = Math.min(MAX_FOOTER_BYTES, byteLength - SHORTEST_FILE);
    throw malformed(name, `a footer of ${length} bytes`, `at most ${most}`);
  }
  const footer =
    start >= tailStart ? tail.subarray(start - tailStart) : await source.slice(start, byteLength);
  return decoded(name, 'footer', () => {
    structEnd(footer, 0);
    const metadata = parquetMetadata(Uint8Array.from(footer), { geoparquet: false });
    checkSchema(name, metadata);
    return metadata;
  });
}

/** The rows of one row group from `from` on. */
async function readGroup(
  source: ByteSource,
  metadata: FileMetaData,
  group: number,
  columns: readonly string[],
  from: number,
): Promise<ParquetRow[]> {
  const thing = `${source.name}, row group ${group}`;
  const { num_rows, columns: chunks } = metadata.row_groups[group]!;
  const read = new Set<string>();
  const held: { start: number; bytes: Uint8Array<ArrayBuffer> }[] = [];
  for (const chunk of chunks) {
    const about = chunk.meta_data;
    const path = about?.path_in_schema ?? [];
    if (!about || !columns.includes(path[0] ?? '')) continue;
    const start = Number(about.dictionary_page_offset || about.data_page_offset);
    const length = Number(about.total_compressed_size);
    const where = `${thing}, column ${quote(path.join('.'))}`;
    if (!(length >= 0 && length <= MAX_CHUNK_BYTES))
      throw malformed(where, `${about.total_compressed_size} bytes`, `at most ${MAX_CHUNK_BYTES}`);
    if (!(start >= 4 && start + length <= source.byteLength))
      throw malformed(where, `bytes ${start} to ${start + length}`, `a part of ${source.byteLength} bytes`);
    // The decoder gives nothing for a number that it has no name for.
    if ((about.codec as string | undefined) === undefined)
      throw malformed(where, 'a compression that has no name', 'one that parquet names');
    if (about.codec !== 'UNCOMPRESSED' && !Object.hasOwn(COMPRESSORS, about.codec)) {
      throw new UserError({
        thing: where,
        found: `pages compressed with ${quote(about.codec)}`,
        expected: `no compression, or one of ${Object.keys(COMPRESSORS).join(', ')}`,
        next: 'The file is whole: write it again with one of these.',
      });
    }
    const bytes = Uint8Array.from(await source.slice(start, start + length));
    decoded(where, 'pages', () => checkPages(bytes, about, metadata, Number(num_rows), where));
    read.add(path[0] ?? '');
    held.push({ start, bytes });
  }
  for (const column of columns)
    if (!read.has(column)) throw malformed(thing, `no column ${quote(column)}`, 'each of the schema');
  const file = {
    byteLength: source.byteLength,
    slice(start: number, end = source.byteLength): ArrayBuffer {
      const chunk = held.find((each) => each.start <= start && end <= each.start + each.bytes.byteLength);
      if (chunk) return chunk.bytes.buffer.slice(start - chunk.start, end - chunk.start);
      // Neighbours are asked for together.
      const parts = new Uint8Array(end - start);
      for (const each of held) {
        const [a, b] = [Math.max(start, each.start), Math.min(end, each.start + each.bytes.byteLength)];
        if (a < b) parts.set(each.bytes.subarray(a - each.start, b - each.start), a - start);
      }
      return parts.buffer;
    },
  };
  const one: FileMetaData = { ...metadata, row_groups: [metadata.row_groups[group]!], num_rows };
  const rowEnd = Number(num_rows);
  const scan = await decoded(thing, 'pages', () =>
    parquetScan({
      file,
      metadata: one,
      columns: [...columns],
      compressors: COMPRESSORS,
      useOffsetIndex: false,
    }),
  );
  const decodedColumns = new Map<string, ArrayLike<unknown>>();
  for (const column of columns) {
    const values = await decoded(`${thing}, column ${quote(column)}`, 'pages', () =>
      scan.readColumn({ column, rowStart: from, rowEnd }),
    );
    if (values.length !== rowEnd - from)
      throw malformed(`${thing}, column ${quote(column)}`, `${values.length} values`, `${rowEnd - from}`);
    decodedColumns.set(column, values);
  }
  return Array.from({ length: rowEnd - from }, (_, row) =>
    Object.fromEntries([...decodedColumns].map(([column, values]) => [column, values[row] ?? null])),
  );
}

/** @throws MalformedError for a schema that is no tree, is deep, or has types that are built of parts which may be shared */
function checkSchema(name: string, { schema }: FileMetaData): void {
  /** Children still to come, of each element on the way down. */
  const open: number[] = [];
  for (const [at, { num_children = 0, logical_type: type }] of schema.entries()) {
    while (open.at(-1) === 0) open.pop();
    if (at > 0 && open.length === 0) throw malformed(name, 'a schema of several trees', 'one');
    if (at > 0) open[open.length - 1]! -= 1;
    if (!(num_children >= 0 && num_children < schema.length))
      throw malformed(
        name,
        `an element of ${num_children} children in a schema of ${schema.length}`,
        'a tree',
      );
    if (open.length > MAX_DEPTH) throw malformed(name, `columns ${open.length} deep`, `at most ${MAX_DEPTH}`);
    if (type !== undefined && ['VARIANT', 'GEOMETRY', 'GEOGRAPHY'].includes(type.type))
      throw malformed(name, `a column of ${type.type}`, 'text, numbers, and lists and structs of them');
    open.push(num_children);
  }
  if (open.some((left) => left > 0)) throw malformed(name, 'a schema that ends early', 'a whole one');
}

function topLevel({ schema }: FileMetaData): string[] {
  const names: string[] = [];
  const skip = (at: number): number => {
    let next = at + 1;
    for (let child = 0; child < (schema[at]?.num_children ?? 0); child++) next = skip(next);
    return next;
  };
  for (let at = 1; at < schema.length; at = skip(at)) names.push(String(schema[at]!.name));
  return names;
}

/** Whatever the decoder throws becomes a malformed file, with the decoder's reason. */
function decoded<T>(thing: string, what: string, use: () => Promise<T>): Promise<T>;
function decoded<T>(thing: string, what: string, use: () => T): T;
function decoded<T>(thing: string, what: string, use: () => T | Promise<T>): T | Promise<T> {
  const fail = (cause: unknown): never => {
    if (cause instanceof InterpboardError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw malformed(thing, `${what} that cannot be decoded (${quote(reason)})`, 'parquet', cause);
  };
  try {
    const result = use();
    return result instanceof Promise ? result.catch(fail) : result;
  } catch (cause) {
    return fail(cause);
  }
}

function malformed(thing: string, found: string, expected: string, cause?: unknown): MalformedError {
  const next = 'Download the file again, or leave it out.';
  return new MalformedError({ thing, found, expected, next }, { cause });
}

function noColumn(name: string, column: string, columns: readonly string[]): UserError {
  return new UserError({
    thing: `${name} column ${quote(column)}`,
    found: 'no such column',
    expected: `one of ${columns.slice(0, 20).map(quote).join(', ')}`,
    next: 'Correct the field that the source or probe set names.',
  });
}
