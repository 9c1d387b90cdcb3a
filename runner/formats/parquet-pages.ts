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
import { Claim, checkValues, walkLengthAndRuns, walkRuns } from './parquet-encodings.ts';
import { structEnd } from './thrift-check.ts';

/** Decompressed bytes of one page; writers aim at 1 MB, and exceed it when single values are long. */
const MAX_PAGE_BYTES = 2 ** 28;
/** What a page may have however few bytes it is stored in, and beyond this how many for each of them: text shrinks tenfold. */
const PAGE_BYTES = 2 ** 23;
const MAX_RATIO = 256;
/** Decompressed bytes of one column in one row group. */
const MAX_CHUNK_CONTENT = 2 ** 30;
/** Values of one column in one row group: rows, or items of their lists. */
export const MAX_CHUNK_VALUES = 2 ** 24;
/** As many whatever the bytes, for runs of equal values (writers end a row group at a million rows), and for each byte. */
const VALUES = 2 ** 20;
const VALUES_PER_BYTE = 16;

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

/** @throws MalformedError when a page claims more than the limits or than it holds; whatever the decoder throws */
export function checkPages(
  bytes: Uint8Array<ArrayBuffer>,
  column: ColumnMetaData,
  { schema }: FileMetaData,
  rows: number,
  where: string,
): void {
  const path = getSchemaPath(schema, column.path_in_schema);
  const levels = { repetition: getMaxRepetitionLevel(path), definition: getMaxDefinitionLevel(path) };
  const typeLength = path.at(-1)?.element.type_length;
  const reader = { view: new DataView(bytes.buffer), offset: 0 };
  let [values, content, decoded] = [0, 0, 0];
  while (reader.offset < bytes.byteLength - 1) {
    structEnd(bytes, reader.offset);
    const header = parquetHeader(reader);
    const size = Number(header.uncompressed_page_size);
    const stored = Number(header.compressed_page_size);
    const { data_page_header: v1, data_page_header_v2: v2, dictionary_page_header: dictionary } = header;
    const count = (v1 ?? v2 ?? dictionary)?.num_values ?? 0;
    if (!(stored >= 0 && reader.offset + stored <= bytes.byteLength))
      throw refused(where, `a page of ${stored} bytes`, `at most the ${bytes.byteLength} of the chunk`);
    const most = Math.min(MAX_PAGE_BYTES, Math.max(PAGE_BYTES, stored * MAX_RATIO));
    if (!(size >= 0 && size <= most))
      throw refused(where, `a page of ${size} bytes when decompressed`, `at most ${most}`);
    content += size;
    if (content > MAX_CHUNK_CONTENT)
      throw refused(where, `more than ${MAX_CHUNK_CONTENT} bytes when decompressed`, 'smaller row groups');
    if (dictionary === undefined) values += count;
    const claimed = Math.min(MAX_CHUNK_VALUES, VALUES + VALUES_PER_BYTE * content);
    if (!(count >= 0 && count <= claimed && values <= claimed))
      throw refused(where, `pages of ${Math.max(count, values)} values`, `0 to ${claimed}`);
    const page = bytes.subarray(reader.offset, reader.offset + stored);
    decoded += checkPage(page, header, column, { ...levels, typeLength }, where);
    if (decoded > MAX_CHUNK_CONTENT / 4)
      throw refused(
        where,
        `values of ${decoded} bytes`,
        `at most ${MAX_CHUNK_CONTENT / 4} beyond those stored`,
      );
    reader.offset += stored;
  }
  // Of lists and the like each row has a value or more, or one that says that it has none.
  if (levels.repetition === 0 ? values !== rows : values < rows)
    throw refused(where, `pages of ${values} values`, `${rows}, as the row group has`);
}

/** @returns bytes that the decoded values take beyond those of the page */
function checkPage(
  stored: Uint8Array,
  header: PageHeader,
  { codec, type }: ColumnMetaData,
  about: { repetition: number; definition: number; typeLength: number | undefined },
  where: string,
): number {
  const { data_page_header: v1, data_page_header_v2: v2, dictionary_page_header: dictionary } = header;
  const { repetition, definition, typeLength } = about;
  const size = Number(header.uncompressed_page_size);
  try {
    if (dictionary) {
      const page = decompressPage(stored, size, codec, COMPRESSORS);
      return checkValues(page, dictionary.num_values, { encoding: 'PLAIN', type, typeLength, v2: false });
    }
    if (v2) {
      const { repetition_levels_byte_length: first, definition_levels_byte_length: second } = v2;
      const start = first + second;
      if (!(first >= 0 && second >= 0 && start <= Math.min(stored.byteLength, size) && v2.num_nulls >= 0))
        throw new Claim(`levels of ${first} and ${second} bytes`, `at most ${stored.byteLength}`);
      if (repetition > 0) walkRuns(stored.subarray(0, first), bits(repetition), v2.num_values);
      const present =
        definition > 0
          ? walkRuns(stored.subarray(first, start), bits(definition), v2.num_values, definition)
          : v2.num_values;
      if (present !== v2.num_values - v2.num_nulls)
        throw new Claim(`${v2.num_nulls} nulls`, `${v2.num_values - present}, as the levels have`);
      const rest = stored.subarray(start);
      const page = v2.is_compressed === false ? rest : decompressPage(rest, size - start, codec, COMPRESSORS);
      return checkValues(page, present, { encoding: v2.encoding, type, typeLength, v2: true });
    }
    if (!v1) return 0;
    const page = decompressPage(stored, size, codec, COMPRESSORS);
    const values = v1.num_values;
    let [at, present] = [0, values];
    if (repetition > 0) at = walkLengthAndRuns(page, at, bits(repetition), values).end;
    if (definition > 0) {
      const walked = walkLengthAndRuns(page, at, bits(definition), values, definition);
      [at, present] = [walked.end, walked.hits];
    }
    return checkValues(page.subarray(at), present, { encoding: v1.encoding, type, typeLength, v2: false });
  } catch (error) {
    if (error instanceof Claim) throw refused(where, error.found, error.expected);
    throw error;
  }
}

function bits(largest: number): number {
  return 32 - Math.clz32(largest);
}

function refused(thing: string, found: string, expected: string): MalformedError {
  return new MalformedError({ thing, found, expected, next: 'Download the file again, or leave it out.' });
}
