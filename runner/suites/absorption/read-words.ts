/** The words that are spelled, their prompts, and where in them each stands. */
import { canonicalJson, sha256 } from '../../io/hash.ts';
import { specialsAround } from '../../text/encoded-texts.ts';
import type { SuiteContext } from '../suite.ts';
import { LEAST_LETTERS, type WordRows } from './score.ts';
import {
  alphabeticWords,
  letterOf,
  mostFrequent,
  promptOf,
  prompts,
  splitWords,
  tokensAfterWord,
  wholeWords,
} from './words.ts';

/** Tokens of a line at the most: the word, the template and its answer. */
export const LINE_TOKENS = 16;

type ReadContext = Pick<SuiteContext, 'exclude' | 'probeSeed' | 'tokenOf' | 'tokenizer'>;

/** The prompts of all words, and what the model says at each word; null where there are too few words. */
export async function readWords(context: ReadContext, most: number, examples: number) {
  const { tokenizer, probeSeed } = context;
  const alphabetic = alphabeticWords(tokenizer);
  const spelled = wholeWords(tokenizer, alphabetic);
  const split = splitWords(spelled, most, probeSeed);
  if (split.test.length <= examples) {
    context.exclude('vocabulary', tooFew(split.train.length + split.test.length, 0));
    return null;
  }
  const of = (words: readonly string[], pool: readonly string[], part: string) =>
    prompts(words, pool, examples, [probeSeed, part]).map((prompt, i) => ({ word: words[i]!, prompt, part }));
  const asked = [
    ...of(split.train, split.train, 'train'),
    ...of(split.test, split.test, 'test'),
    ...of(split.test, [...split.train, ...split.test], 'again'),
  ];
  const limit = (examples + 1) * LINE_TOKENS;
  const encoded = await tokenizer.encodeAll(
    asked.map(({ prompt }) => prompt),
    // A prompt that is longer is found to be so by its length.
    limit + 1,
  );
  const after = tokensAfterWord(tokenizer, split.train[0]!) + specialsAfter(tokenizer);
  const ids = encoded.map((each) =>
    tokenizer.begin === null || each[0] === tokenizer.begin ? each : [tokenizer.begin, ...each],
  );
  const position = (tokens: readonly number[]) => tokens.length - 1 - after;
  // Lines that are cut otherwise beside one another than alone: SAEBench refuses prompts of several lengths.
  const usual = mostFrequent(ids.map(({ length }) => length));
  const whole = (i: number): boolean => {
    const tokens = ids[i]!;
    return tokens.length === usual && tokens.length <= limit + 1 && standsThere(tokens, i);
  };
  const standsThere = (tokens: readonly number[], i: number): boolean =>
    tokenizer.decode([tokens[position(tokens)]!]).trim() === asked[i]!.word.trim();
  const broken = new Set(asked.flatMap(({ word }, i) => (whole(i) ? [] : [word])));
  const left = alphabetic.length - spelled.length + broken.size;
  if (left > 0) context.exclude('vocabulary', `${left} words that are no single token within the prompt`);
  const used = asked.map((each, i) => ({ ...each, ids: ids[i]! })).filter(({ word }) => !broken.has(word));
  const rowsOf = (part: string): Int32Array =>
    Int32Array.from(used.keys()).filter((row) => used[row]!.part === part);
  const words: WordRows = {
    letters: Int32Array.from(used, ({ word }) => letterOf(word)),
    train: rowsOf('train'),
    test: rowsOf('test'),
    again: rowsOf('again'),
  };
  const letters = lettersInBoth(words);
  if (letters < LEAST_LETTERS) {
    context.exclude('vocabulary', tooFew(words.train.length + words.test.length, letters));
    return null;
  }
  const hash = sha256(canonicalJson(used.map(({ ids: tokens }) => tokens)));
  return { words, prompts: hash, pooled: context.tokenOf(used, ({ ids: tokens }) => position(tokens)) };
}

/** The tokenizer's own special tokens at the end of a text. */
function specialsAfter(tokenizer: ReadContext['tokenizer']): number {
  const [whole, plain] = [true, false].map((specialTokens) =>
    tokenizer.encode(promptOf('a', []), { specialTokens }),
  ) as [readonly number[], readonly number[]];
  return specialsAround(whole, plain).after;
}

function tooFew(words: number, letters: number): string {
  return `${words} of the tokenizer’s tokens are words of letters alone and one token in a prompt, with ${letters} first letters both to train on and to test, and ${LEAST_LETTERS} are needed`;
}

function lettersInBoth({ letters, train, test }: WordRows): number {
  const trained = new Set(train.map((row) => letters[row]!));
  return new Set(test.map((row) => letters[row]!).filter((letter) => trained.has(letter))).size;
}
