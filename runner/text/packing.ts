import type { MixedText, MixturePosition } from './mixture.ts';
import type { Tokenizer } from './tokenizer.ts';

export interface PackingOptions {
  rowTokens: number;
  /** Longer documents are cut to so many tokens; without it they are taken whole. */
  documentTokens?: number;
  /** With the tokenizer's own special tokens around each document; without by default. */
  specialTokens?: boolean;
}

/** Where packing stands: what is needed to make the next row. JSON-serialisable. */
export interface PackingPosition {
  mixture: MixturePosition;
  /** Tokens of the last document that no row holds yet. */
  carried: number[];
  rows: number;
}

export interface PackedRow {
  /** [rowTokens] token ids. */
  row: Int32Array;
  /** After this row. */
  position: PackingPosition;
}

export function startOfPacking(mixture: MixturePosition): PackingPosition {
  return { mixture, carried: [], rows: 0 };
}

/** Evaluation text as the reference evaluation packs it: documents cut to 1,024 tokens, special tokens included. */
export const EVALUATION_PACKING = { documentTokens: 1024, specialTokens: true } as const;

/**
 * Documents tokenised, put end to end without separator, and cut into rows of equal length; a last part that fills no
 * row is left out. `texts` must begin at `from.mixture`.
 */
export async function* packRows(
  texts: AsyncIterable<MixedText>,
  tokenizer: Pick<Tokenizer, 'encode'>,
  from: PackingPosition,
  options: PackingOptions,
): AsyncGenerator<PackedRow> {
  const { rowTokens, documentTokens = Number.POSITIVE_INFINITY, specialTokens = false } = options;
  let { carried, rows, mixture } = from;

  function* cut(): Generator<PackedRow> {
    let start = 0;
    for (; start + rowTokens <= carried.length; start += rowTokens) {
      const row = Int32Array.from(carried.slice(start, start + rowTokens));
      rows++;
      yield { row, position: { mixture, carried: carried.slice(start + rowTokens), rows } };
    }
    carried = carried.slice(start);
  }

  yield* cut();
  for await (const { text, position } of texts) {
    const ids = tokenizer.encode(text, { specialTokens });
    carried = carried.concat(ids.length > documentTokens ? ids.slice(0, documentTokens) : ids);
    mixture = position;
    yield* cut();
  }
}
