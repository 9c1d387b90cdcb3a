import type { SuiteTokenizer } from './suite.ts';

type Decoder = Pick<SuiteTokenizer, 'decode' | 'size' | 'special'>;

/**
 * The text of a token as it stands within a text: some decoders take the space from the beginning of what they decode, so
 * that a token on its own would lose it. Null where no token is a word to stand before it.
 */
export function tokenWithin(tokenizer: Decoder): ((id: number) => string | null) | null {
  for (let before = 0; before < tokenizer.size; before++) {
    if (tokenizer.special.has(before)) continue;
    const lead = tokenizer.decode([before]);
    if (!/^[A-Za-z]+$/.test(lead)) continue;
    return (id) => {
      const text = tokenizer.decode([before, id]);
      return text.startsWith(lead) ? text.slice(lead.length) : null;
    };
  }
  return null;
}

/** The same of every token: one that no word can stand before is what it is decoded to on its own. */
export function tokenTexts(tokenizer: Decoder): (id: number) => string {
  const within = tokenWithin(tokenizer);
  return (id) => within?.(id) ?? tokenizer.decode([id]);
}

/** Texts of tokens by id, ascending, as files of evidence hold them. */
export function tokenTable(tokenizer: Decoder, ids: Iterable<number>): Record<string, string> {
  const textOf = tokenTexts(tokenizer);
  return Object.fromEntries([...new Set(ids)].sort((a, b) => a - b).map((id) => [String(id), textOf(id)]));
}
