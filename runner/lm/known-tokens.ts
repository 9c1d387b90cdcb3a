/** A tokenizer may have more tokens than the model it lies beside has embeddings of. */
import type { Tokenizer } from '../text/tokenizer.ts';
import { tokenBeyond } from './language-model.ts';

/**
 * What to say of a tokenizer that is larger than the model before any text is read; null where it is not. Such a token is
 * often one that was added for padding and is in no text, so that it is no error yet.
 */
export function tokensBeyond(tokenizer: Tokenizer, vocabulary: number): string | null {
  const count = tokenizer.vocabSize - vocabulary;
  if (count <= 0) return null;
  const first = JSON.stringify(tokenizer.decode([vocabulary]));
  const tokens = count === 1 ? `token ${vocabulary} (${first})` : `tokens from ${vocabulary} (${first}) on`;
  return `the tokenizer has ${tokens} that the language model has no embedding of: text that holds one is refused`;
}

/** The tokenizer, refusing text with a token that the model has no embedding of. */
export function knownTokens(tokenizer: Tokenizer, vocabulary: number): Tokenizer {
  if (tokenizer.vocabSize <= vocabulary) return tokenizer;
  return {
    ...tokenizer,
    encode(text, options) {
      const ids = tokenizer.encode(text, options);
      const beyond = ids.find((id) => id >= vocabulary);
      if (beyond !== undefined) throw tokenBeyond(beyond, vocabulary, tokenizer.decode([beyond]));
      return ids;
    },
  };
}
