import { z } from 'zod';
import { UserError } from '../errors.ts';
import { type MixedText, type MixturePosition, mixturePosition } from './mixture.ts';
import { documentRuns } from './row-documents.ts';
import type { Tokenizer } from './tokenizer.ts';

/**
 * How documents share rows. joined: end to end, nothing between them (the reference recipe). separated: an
 * end-of-text token after each. apart: every document begins a row, and what fills no row of its own is left out.
 */
export const boundaries = z.enum(['joined', 'separated', 'apart']);
export type Boundaries = z.infer<typeof boundaries>;

export interface PackingOptions {
  rowTokens: number;
  /** Without it: joined. */
  boundaries?: Boundaries;
  /** Longer documents are cut to so many tokens; without it they are taken whole. */
  documentTokens?: number;
  /** With the tokenizer's own special tokens around each document; without by default. */
  specialTokens?: boolean;
}

/** Where packing stands: what is needed to make the next row. JSON-serialisable, and no longer than a row. */
export interface PackingPosition {
  /** Before the document that rows are being cut from, or after it once its rest fills no row. */
  mixture: MixturePosition;
  /** Tokens of earlier documents that no row holds yet. */
  carried: number[];
  /** Tokens of the next document that rows hold already; 0 where missing, as in positions of earlier versions. */
  taken?: number | undefined;
  rows: number;
}

export const packingPosition: z.ZodType<PackingPosition> = z.strictObject({
  mixture: mixturePosition,
  carried: z.array(z.int().nonnegative()),
  taken: z.int().nonnegative().optional(),
  rows: z.int().nonnegative(),
});

export interface PackedRow {
  /** [rowTokens] token ids. */
  row: Int32Array;
  /** Number of the document that holds most of it: as many texts were drawn with it. What was carried over counts as one. */
  document: number;
  /** After this row. */
  position: PackingPosition;
}

export function startOfPacking(mixture: MixturePosition): PackingPosition {
  return { mixture, carried: [], rows: 0 };
}

/** Evaluation text as the reference evaluation packs it: documents cut to 1,024 tokens, special tokens included. */
export const EVALUATION_PACKING = { documentTokens: 1024, specialTokens: true } as const;

/**
 * Documents tokenised, put together, and cut into rows of equal length; a last part that fills no row is left out.
 * `texts` must begin at `from.mixture`.
 *
 * @throws UserError when documents are to be separated by a token the tokenizer does not name
 */
export async function* packRows(
  texts: AsyncIterable<MixedText>,
  tokenizer: Pick<Tokenizer, 'encode'> & Partial<Pick<Tokenizer, 'eosTokenId'>>,
  from: PackingPosition,
  options: PackingOptions,
): AsyncGenerator<PackedRow> {
  const { rowTokens, documentTokens = Number.POSITIVE_INFINITY, specialTokens = false } = options;
  const { boundaries: rule = 'joined' } = options;
  const separator = rule === 'separated' ? [endOfText(tokenizer.eosTokenId)] : [];
  let { carried, rows, mixture, taken = 0 } = from;
  const runs = documentRuns();
  runs.push(mixture.texts, carried.length);

  /** Positions of earlier versions may carry more than a row; there each holds all that is left. */
  function* cutCarried(): Generator<PackedRow> {
    for (; carried.length >= rowTokens; carried = carried.slice(rowTokens)) {
      const row = Int32Array.from(carried.slice(0, rowTokens));
      rows++;
      const position = { mixture, carried: carried.slice(rowTokens), rows };
      yield { row, document: runs.take(rowTokens), position };
    }
  }

  yield* cutCarried();
  for await (const { text, position } of texts) {
    const ids = tokenizer.encode(text, { specialTokens });
    if (rule === 'apart') {
      carried = [];
      runs.clear();
    }
    const tokens = carried.concat(ids.slice(taken, documentTokens), separator);
    runs.push(position.texts, tokens.length - carried.length);
    // What lies before tokens[0] in the document's own count.
    const before = taken - carried.length;
    let start = 0;
    while (start + rowTokens <= tokens.length) {
      const row = Int32Array.from(tokens.slice(start, start + rowTokens));
      start += rowTokens;
      rows++;
      const at =
        tokens.length - start < rowTokens
          ? { mixture: position, carried: tokens.slice(start), taken: 0 }
          : { mixture, carried: [], taken: before + start };
      yield { row, document: runs.take(rowTokens), position: { ...at, rows } };
    }
    carried = tokens.slice(start);
    mixture = position;
    taken = 0;
  }
}

function endOfText(id: number | null | undefined): number {
  if (id != null) return id;
  throw new UserError({
    thing: 'corpus.boundaries',
    found: '"separated", with a tokenizer that names no end-of-text token',
    expected: 'an eos_token in tokenizer_config.json',
    next: 'Use "joined" or "apart".',
  });
}
