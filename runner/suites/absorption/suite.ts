/** Absorption of first letters (Chanin et al. 2024), as SAEBench measures it. */
import { z } from 'zod';
import { canonicalJson, sha256 } from '../../io/hash.ts';
import { random } from '../../math/random.ts';
import { randomMultiStart } from '../../probes/multi-probe.ts';
import { absorption as declaration } from '../../report/suites/absorption.ts';
import { perHook } from '../sets.ts';
import { defineSuite, type SuiteContext } from '../suite.ts';
import {
  absorptionSuite,
  knownLetters,
  LEAST_LETTERS,
  latentsOfLetters,
  resamplesOfWords,
  truthOf,
  type WordRows,
  withoutValues,
} from './score.ts';
import { alphabeticWords, LETTERS, letterOf, prompts, splitWords, tokensAfterWord } from './words.ts';

/** Tokens of a line at the most: the word, the template and its answer. */
const LINE_TOKENS = 16;

export const absorption = defineSuite({
  declaration,
  settings: {
    own: {
      words: z
        .int()
        .min(100)
        .max(1_000_000)
        .default(20_000)
        .describe('tokens of letters alone that are spelled, at most; SAEBench takes all there are'),
      examples: z
        .int()
        .nonnegative()
        .max(100)
        .default(10)
        .describe('words with their first letter that stand before each word'),
      latents: z.int().min(1).max(100).default(10).describe('latents of a letter’s probe, at most'),
      f1Jump: z
        .number()
        .nonnegative()
        .max(1)
        .default(0.03)
        .describe('rise of F1 above which one more latent counts as one of the letter’s'),
    },
  },
  reads: ({ words, examples }) => [
    {
      name: 'first letters',
      rows: words + Math.ceil(words / 5),
      rowTokens: (examples + 1) * LINE_TOKENS + 1,
      keeps: 'token',
    },
  ],
  async begin(context, { words: most, examples, latents: mostLatents, f1Jump }) {
    const read = await readWords(context, most, examples);
    if (read === null) return null;
    const { words, pooled } = read;
    const { probeSeed, draws } = context;
    const truths = perHook(
      context,
      [words, most, examples],
      (hook) => pooled.at(hook),
      (residual) => {
        const stream = random('first-letter probe', probeSeed);
        const start = randomMultiStart(words.train.length, residual.columns, LETTERS.length, stream);
        return truthOf(residual, words, start);
      },
    );
    return {
      pairing: [read.prompts],
      async score({ hook, index, directions }) {
        const truth = await truths(hook);
        const letters = knownLetters(truth);
        if (letters.length < LEAST_LETTERS) {
          const known = `the residual tells ${letters.length} first letters with an F1 above 0.6, and ${LEAST_LETTERS} are needed: the model cannot spell here`;
          return { part: withoutValues(known) };
        }
        const { rows, reason } = await directions();
        if (rows === null) return { part: withoutValues(reason) };
        const found = pooled.at(hook);
        const latents = found.latents[index]!;
        const stream = random('latents of first letters', probeSeed, hook, index);
        const start = randomMultiStart(words.train.length, latents.columns, LETTERS.length, stream);
        const options = { most: mostLatents, jump: f1Jump, letters };
        const ofLetters = latentsOfLetters(latents, words, start, options);
        const resamples = resamplesOfWords(truth, letters, draws, context.hooks[hook]!.layer);
        const features = { residual: found.residual!, latents };
        return absorptionSuite(features, words, truth, ofLetters, rows, resamples);
      },
    };
  },
});

/** The prompts of all words, and what the model says at each word; null where there are too few words. */
async function readWords(context: SuiteContext, most: number, examples: number) {
  const { tokenizer, probeSeed } = context;
  const split = splitWords(alphabeticWords(tokenizer), most, probeSeed);
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
  const after = tokensAfterWord(tokenizer, split.train[0]!);
  const ids = encoded.map((each) =>
    tokenizer.begin === null || each[0] === tokenizer.begin ? each : [tokenizer.begin, ...each],
  );
  const position = (tokens: readonly number[]) => tokens.length - 1 - after;
  // Words that the prompt cuts into several tokens stand elsewhere, and SAEBench refuses prompts of several lengths.
  const usual = mostFrequent(ids.map(({ length }) => length));
  const whole = (i: number): boolean => {
    const tokens = ids[i]!;
    return tokens.length === usual && tokens.length <= limit + 1 && standsThere(tokens, i);
  };
  const standsThere = (tokens: readonly number[], i: number): boolean =>
    tokenizer.decode([tokens[position(tokens)]!]).trim() === asked[i]!.word.trim();
  const broken = new Set(asked.flatMap(({ word }, i) => (whole(i) ? [] : [word])));
  if (broken.size > 0) {
    context.exclude('vocabulary', `${broken.size} words that are no single token within the prompt`);
  }
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

function mostFrequent(values: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].reduce((most, each) => (each[1] > most[1] ? each : most))[0];
}

function tooFew(words: number, letters: number): string {
  return `${words} of the tokenizer’s tokens are words of letters alone, with ${letters} first letters both to train on and to test, and ${LEAST_LETTERS} are needed`;
}

function lettersInBoth({ letters, train, test }: WordRows): number {
  const trained = new Set(train.map((row) => letters[row]!));
  return new Set(test.map((row) => letters[row]!).filter((letter) => trained.has(letter))).size;
}
