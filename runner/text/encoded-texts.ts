import { type ContentCache, remembered } from '../io/content-cache.ts';
import { canonicalJson, sha256 } from '../io/hash.ts';
import { cancellationPoint } from '../math/cancellation.ts';
import type { Tokenizer } from './tokenizer.ts';

/** Which end of a text stays where it has too many tokens. */
export type KeptEnd = 'start' | 'end';

/**
 * The token ids of each text, with the tokenizer's default special tokens, at most `limit` of them. No SAE decides them:
 * they are kept under a hash of the tokenizer and the texts.
 */
export async function encodedTexts(
  tokenizer: Tokenizer,
  texts: readonly string[],
  limit: number,
  cache: ContentCache | undefined,
  keep: KeptEnd = 'start',
): Promise<readonly (readonly number[])[]> {
  const of = ['token ids', tokenizer.identity, limit, sha256(canonicalJson(texts))];
  const key = canonicalJson(keep === 'start' ? of : [...of, keep]);
  const cut = keep === 'start' ? firstTokens : lastTokens;
  const { lengths, ids } = await remembered(cache, key, () => {
    const rows = texts.map((text) => {
      cancellationPoint();
      return cut(tokenizer, text, limit);
    });
    return { lengths: Int32Array.from(rows, (row) => row.length), ids: Int32Array.from(rows.flat()) };
  });
  let end = 0;
  return Array.from(lengths, (length) => {
    end += length;
    return Array.from(ids.subarray(end - length, end));
  });
}

function firstTokens(tokenizer: Tokenizer, text: string, limit: number): readonly number[] {
  return tokenizer.encode(text, { specialTokens: true }).slice(0, limit);
}

/** As tokenizers that truncate on the left do it: special tokens stay around the last tokens of the text. */
export function lastTokens(tokenizer: Tokenizer, text: string, limit: number): readonly number[] {
  const whole = tokenizer.encode(text, { specialTokens: true });
  if (whole.length <= limit) return whole;
  const plain = tokenizer.encode(text, { specialTokens: false });
  const { before, after } = specialsAround(whole, plain);
  return [
    ...whole.slice(0, before),
    ...plain.slice(plain.length - Math.max(0, limit - before - after)),
    ...whole.slice(before + plain.length),
  ];
}

/** Special tokens before and after the tokens of a text, which is given with them and without. */
export function specialsAround(
  whole: readonly number[],
  plain: readonly number[],
): { before: number; after: number } {
  const special = whole.length - plain.length;
  let before = 0;
  while (before < special && plain.some((id, i) => whole[before + i] !== id)) before++;
  return { before, after: special - before };
}
