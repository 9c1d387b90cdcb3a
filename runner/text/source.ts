import { z } from 'zod';
import type { Extractor } from './extract.ts';

const count = z.int().nonnegative();

/** Where reading of a source stands; a source of one endless sequence uses the row alone. */
export const sourcePosition = z.strictObject({
  /** Number of the file, in their order. */
  file: count,
  /** Next row of that file. */
  row: count,
  /** Where that row begins in the (decompressed) file; 0 where files are not read by bytes. */
  byte: count,
});
export type SourcePosition = z.infer<typeof sourcePosition>;

export const START: SourcePosition = { file: 0, row: 0, byte: 0 };

export interface SourceRow {
  value: unknown;
  /** What to call the row in errors. */
  place: string;
  /** After this row. */
  next: SourcePosition;
}

/** A sequence of rows that can be read from any row on. Reading ends with the last row, or never. */
export interface TextSource {
  /** Unique in its mixture; positions are kept under it. */
  name: string;
  /** Share of the texts drawn, relative to the other sources; positive. */
  weight: number;
  extractor: Extractor;
  rows(start: SourcePosition): AsyncIterable<SourceRow>;
}
