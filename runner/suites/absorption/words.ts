/** The words of the first-letter task, its prompts, and where in them the word stands. */
import { cancellationPoint } from '../../math/cancellation.ts';
import { random, shuffle } from '../../math/random.ts';
import type { SuiteTokenizer } from '../suite.ts';
import { tokenWithin } from '../token-text.ts';

export const LETTERS = 'abcdefghijklmnopqrstuvwxyz';

/** SAEBench's prompt, which the word begins. */
export const TEMPLATE = ' has the first letter:';

/** Tokens of letters alone, one space before them allowed, as they stand within a text. */
export function alphabeticWords(tokenizer: Pick<SuiteTokenizer, 'decode' | 'size' | 'special'>): string[] {
  const textOf = tokenWithin(tokenizer);
  if (textOf === null) return [];
  const words = new Set<string>();
  for (let id = 0; id < tokenizer.size; id++) {
    if (tokenizer.special.has(id)) continue;
    const word = textOf(id);
    if (word !== null && /^ ?[A-Za-z]+$/.test(word)) words.add(word);
  }
  return [...words];
}

/** Number of a word's first letter. */
export function letterOf(word: string): number {
  return LETTERS.indexOf(word.trim()[0]!.toLowerCase());
}

/**
 * Of the words those that are one token in a line of the usual length, asked for and answered: the others would move
 * what stands in the prompts, whether they head them or are examples.
 */
export function wholeWords(
  tokenizer: Pick<SuiteTokenizer, 'decode' | 'encode'>,
  words: readonly string[],
): string[] {
  const encode = (text: string) => tokenizer.encode(text, { specialTokens: false });
  const lines = words.map((word) => {
    cancellationPoint();
    return encode(`\n${answered(word)}`);
  });
  if (lines.length === 0) return [];
  const usual = mostFrequent(lines.map(({ length }) => length));
  const first = words[lines.findIndex(({ length }) => length === usual)]!;
  const place = encode(`\n${first}`).length - 1;
  return words.filter((word, i) => {
    const line = lines[i]!;
    return line.length === usual && tokenizer.decode([line[place]!]).trim() === word.trim();
  });
}

export function mostFrequent(values: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].reduce((most, each) => (each[1] > most[1] ? each : most))[0];
}

/** The prompt that ends in the word's line, with lines of other words before it. */
export function promptOf(word: string, examples: readonly string[]): string {
  return ['', ...examples.map(answered), `${word}${TEMPLATE}`].join('\n');
}

function answered(word: string): string {
  return `${word}${TEMPLATE} ${LETTERS[letterOf(word)]!.toUpperCase()}`;
}

/** A prompt for each word, with examples drawn from `pool` without the word itself. */
export function prompts(
  words: readonly string[],
  pool: readonly string[],
  examples: number,
  seed: readonly (string | number)[],
): string[] {
  return words.map((word) => {
    const stream = random('examples', ...seed, word);
    const drawn = new Set<string>();
    while (drawn.size < Math.min(examples, pool.length - 1)) {
      const each = pool[stream.integer(pool.length)]!;
      if (each !== word) drawn.add(each);
    }
    return promptOf(word, [...drawn]);
  });
}

/** Tokens that follow the word in its line. */
export function tokensAfterWord(tokenizer: Pick<SuiteTokenizer, 'encode'>, word: string): number {
  const count = (text: string) => tokenizer.encode(text, { specialTokens: false }).length;
  return count(`\n${word}${TEMPLATE}`) - count(`\n${word}`);
}

export interface WordSplit {
  train: string[];
  test: string[];
}

/** At most so many words, four fifths of them to train on. */
export function splitWords(words: readonly string[], most: number, seed: number): WordSplit {
  const drawn = shuffle([...words], random('first-letter words', seed)).slice(0, most);
  const cut = Math.floor(0.8 * drawn.length);
  return { train: drawn.slice(0, cut), test: drawn.slice(cut) };
}
