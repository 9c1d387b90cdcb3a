/**
 * Rows as SAEBench's core evaluation packs them (SAELens's concat_and_batch_sequences): every row begins with BOS, and
 * BOS stands between documents.
 */
import { documentRuns } from './row-documents.ts';
import type { Tokenizer } from './tokenizer.ts';

/** Tokens of a row. */
export const CORE_ROW_TOKENS = 128;

/** The token that begins rows; a tokenizer without BOS uses EOS, as TransformerLens does. Null where it has neither. */
export function beginningToken({
  bosTokenId,
  eosTokenId,
}: Pick<Tokenizer, 'bosTokenId' | 'eosTokenId'>): { id: number; name: 'BOS' | 'EOS' } | null {
  if (bosTokenId !== null) return { id: bosTokenId, name: 'BOS' };
  return eosTokenId === null ? null : { id: eosTokenId, name: 'EOS' };
}

/** Ids whose positions are neither spliced nor counted. */
export function specialTokens({
  bosTokenId,
  eosTokenId,
  padTokenId,
}: Pick<Tokenizer, 'bosTokenId' | 'eosTokenId' | 'padTokenId'>): Set<number> {
  return new Set([bosTokenId, eosTokenId, padTokenId].filter((id) => id !== null));
}

export interface BosRow {
  row: Int32Array;
  /** Number of the document that holds most of it. */
  document: number;
}

/**
 * Full rows, as many as the documents fill; a last part that fills none is left out. A document that begins with the
 * token already is given no second one.
 *
 * @param documents token ids without special tokens around them
 */
export async function* bosRows(
  documents: AsyncIterable<readonly number[]> | Iterable<readonly number[]>,
  begin: number,
  rowTokens: number = CORE_ROW_TOKENS,
): AsyncGenerator<BosRow> {
  let row: number[] = [];
  const runs = documentRuns();
  let document = -1;
  for await (const ids of documents) {
    document++;
    let next = 0;
    while (next < ids.length) {
      // At the start of a row, and where a document begins within one.
      const before = row.length;
      if (ids[next] !== begin) row.push(begin);
      const taken = ids.slice(next, next + Math.max(0, rowTokens - row.length));
      row.push(...taken);
      next += taken.length;
      runs.push(document, row.length - before);
      if (row.length === rowTokens) {
        yield { row: Int32Array.from(row), document: runs.take(rowTokens) };
        row = [];
      }
    }
  }
}
