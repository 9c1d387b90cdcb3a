import type { Tokenizer } from './tokenizer.ts';

function refuse(): never {
  throw new TypeError('a synthetic model has no text');
}

/** In the place of a synthetic model's tokenizer: it has none, and what needs none may run beside what would. */
export const noTokenizer: Tokenizer = {
  identity: 'none',
  vocabSize: 0,
  eosTokenId: null,
  bosTokenId: null,
  padTokenId: null,
  encode: refuse,
  decode: refuse,
  applyChat: refuse,
};
