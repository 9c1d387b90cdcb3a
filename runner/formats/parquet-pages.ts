/**
 * What a column chunk of a parquet file claims, checked before it is decoded: hyparquet believes the sizes and run
 * lengths that pages name, and a few bytes can name billions.
 */
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import type { ColumnMetaData, Compressors, FileMetaData, PageHeader } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import { decompressPage } from 'hyparquet/src/datapage.js';
import { getMaxDefinitionLevel, getMaxRepetitionLevel, getSchemaPath } from 'hyparquet/src/schema.js';
import { snappyUncompress } from 'hyparquet/src/snappy.js';
import { MalformedError } from '../errors.ts';

/** Decompressed bytes of one page; writers aim at 1 MB, and exceed it when single values are long. */
const MAX_PAGE_BYTES = 2 ** 28;
/** Decompressed bytes of one column in one row group. */
const MAX_CHUNK_CONTENT = 2 ** 30;
/** Values of one column in one row group: rows, or items of their lists. */
export const MAX_CHUNK_VALUES = 2 ** 24;

/** Each stops where its page should end: the sizes are those of checked pages. */
export const COMPRESSORS: Compressors = {
  SNAPPY(input, size) {
    const output = new Uint8Array(size);
    snappyUncompress(input, output);
    return output;
  },
  GZIP: (input, size) => gunzipSync(input, { maxOutputLength: Math.max(size, 1) }),
  ZSTD: (input, size) => zstdDecompressSync(input, { maxOutputLength: Math.max(size, 1) }),
  BROTLI: (input, size) => brotliDecompressSync(input, { maxOutputLength: Math.max(size, 1) }),
};

/** Largest repetition and definition level of a column. */
interface Levels {
  repetition: number;
  definition: number;
}

/** @throws MalformedError when a page claims more than the limits or than it holds; whatever the decoder throws */
export function checkPages(
  bytes: Uint8Array<ArrayBuffer>,
  column: ColumnMetaData,
  { schema }: FileMetaData,
  where: string,
): void {
  const path = getSchemaPath(schema, column.path_in_schema);
  const levels = { repetition: getMaxRepetitionLevel(path), definition: getMaxDefinitionLevel(path) };
  const reader = { view: new DataView(bytes.buffer), offset: 0 };
  let [values, content] = [0, 0];
  while (reader.offset < bytes.byteLength - 1) {
    const header = parquetHeader(reader);
    const size = Number(header.uncompressed_page_size);
    const stored = Number(header.compressed_page_size);
    const about = header.data_page_header ?? header.data_page_header_v2 ?? header.dictionary_page_header;
    const count = about?.num_values ?? 0;
    if (!(stored >= 0 && reader.offset + stored <= bytes.byteLength))
      throw refused(where, `a page of ${stored} bytes`, `at most the ${bytes.byteLength} of the chunk`);
    if (!(size >= 0 && size <= MAX_PAGE_BYTES))
      throw refused(where, `a page of ${size} bytes when decompressed`, `at most ${MAX_PAGE_BYTES}`);
    values += count;
    content += size;
    if (!(count >= 0 && values <= MAX_CHUNK_VALUES))
      throw refused(where, `pages of ${values} values`, `0 to ${MAX_CHUNK_VALUES}`);
    if (content > MAX_CHUNK_CONTENT)
      throw refused(where, `more than ${MAX_CHUNK_CONTENT} bytes when decompressed`, 'smaller row groups');
    checkPage(bytes.subarray(reader.offset, reader.offset + stored), header, column, levels, where);
    reader.offset += stored;
  }
}

function checkPage(
  stored: Uint8Array,
  header: PageHeader,
  { codec, type }: ColumnMetaData,
  levels: Levels,
  where: string,
): void {
  const { data_page_header: v1, data_page_header_v2: v2, uncompressed_page_size } = header;
  const about = v1 ?? v2;
  if (about === undefined) return;
  // A prefix is copied from the value before: each can be longer than the whole page.
  if (about.encoding === 'DELTA_BYTE_ARRAY')
    throw refused(where, 'the encoding DELTA_BYTE_ARRAY', 'another, such as the plain or dictionary ones');
  const counted = levels.repetition + levels.definition > 0 || /DICTIONARY|RLE/.test(about.encoding);
  if (!counted) return;
  const { num_values: values } = about;
  let page: Uint8Array;
  let [at, defined] = [0, values];
  if (v2) {
    const { repetition_levels_byte_length: first, definition_levels_byte_length: second } = v2;
    const start = first + second;
    if (!(first >= 0 && second >= 0 && start <= stored.byteLength && v2.num_nulls >= 0))
      throw refused(where, `levels of ${first} and ${second} bytes`, `at most ${stored.byteLength}`);
    if (levels.repetition > 0) checkRuns(stored.subarray(0, first), bits(levels.repetition), values, where);
    if (levels.definition > 0)
      checkRuns(stored.subarray(first, start), bits(levels.definition), values, where);
    const rest = stored.subarray(start);
    page =
      v2.is_compressed === false
        ? rest
        : decompressPage(rest, uncompressed_page_size - start, codec, COMPRESSORS);
    defined = values - v2.num_nulls;
  } else {
    page = decompressPage(stored, uncompressed_page_size, codec, COMPRESSORS);
    for (const largest of [levels.repetition, levels.definition]) {
      if (largest > 0) at = checkLengthAndRuns(page, at, bits(largest), values, where);
    }
    // How many are null is known from the levels alone; the runs of values cover at most all of them.
    defined = values;
  }
  if (/DICTIONARY/.test(about.encoding)) {
    const width = page[at] ?? 0;
    if (width > 32) throw refused(where, `dictionary indices of ${width} bits`, 'at most 32');
    if (width > 0 || v2) checkRuns(page.subarray(at + 1), width, defined, where, true);
  } else if (about.encoding === 'RLE' && type === 'BOOLEAN') {
    checkLengthAndRuns(page, at, 1, defined, where);
  }
}

/** Runs behind their length in bytes. @returns where they end */
function checkLengthAndRuns(
  page: Uint8Array,
  at: number,
  width: number,
  values: number,
  where: string,
): number {
  if (at + 4 > page.byteLength) throw refused(where, 'a page that ends in its levels', 'whole pages');
  const length = new DataView(page.buffer, page.byteOffset + at, 4).getUint32(0, true);
  const end = at + 4 + length;
  if (end > page.byteLength) throw refused(where, `levels of ${length} bytes`, `at most ${page.byteLength}`);
  checkRuns(page.subarray(at + 4, end), width, values, where, true);
  return end;
}

/**
 * Walks runs of equal values and of packed bits, which must not hold more values than the page.
 *
 * @param early whether they may end before `values`: nulls have no value
 */
function checkRuns(bytes: Uint8Array, width: number, values: number, where: string, early = false): void {
  let [at, seen] = [0, 0];
  while (seen < values) {
    if (at >= bytes.byteLength) {
      if (early) return;
      throw refused(where, `${seen} levels`, `${values}`);
    }
    let [header, shift] = [0, 0];
    for (let more = true; more; shift += 7) {
      const byte = bytes[at++] ?? 0;
      header += (byte & 0x7f) * 2 ** shift;
      more = byte >= 0x80 && shift < 35;
    }
    const half = Math.floor(header / 2);
    const count = header % 2 === 1 ? half * 8 : half;
    // Packed bits come in groups of eight, and some writers fill up a block of 64 groups.
    const most = values - seen + (header % 2 === 1 ? 512 : 0);
    if (count > most) throw refused(where, `a run of ${count} values`, `at most ${values - seen}`);
    at += header % 2 === 1 ? half * width : Math.ceil(width / 8);
    seen += count;
  }
}

function bits(largest: number): number {
  return 32 - Math.clz32(largest);
}

function refused(thing: string, found: string, expected: string): MalformedError {
  return new MalformedError({ thing, found, expected, next: 'Download the file again, or leave it out.' });
}
