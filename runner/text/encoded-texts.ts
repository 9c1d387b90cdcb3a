import { type ContentCache, remembered } from '../io/content-cache.ts';
import { canonicalJson, sha256 } from '../io/hash.ts';
import { cancellationPoint } from '../math/cancellation.ts';
import type { Tokenizer } from './tokenizer.ts';

/**
 * The token ids of each text, with the tokenizer's default special tokens, the first `limit` of them. No SAE decides
 * them: they are kept under a hash of the tokenizer and the texts.
 */
export async function encodedTexts(
  tokenizer: Tokenizer,
  texts: readonly string[],
  limit: number,
  cache: ContentCache | undefined,
): Promise<readonly (readonly number[])[]> {
  const key = canonicalJson(['token ids', tokenizer.identity, limit, sha256(canonicalJson(texts))]);
  const { lengths, ids } = await remembered(cache, key, () => {
    const rows = texts.map((text) => {
      cancellationPoint();
      return tokenizer.encode(text, { specialTokens: true }).slice(0, limit);
    });
    return { lengths: Int32Array.from(rows, (row) => row.length), ids: Int32Array.from(rows.flat()) };
  });
  let end = 0;
  return Array.from(lengths, (length) => {
    end += length;
    return Array.from(ids.subarray(end - length, end));
  });
}
