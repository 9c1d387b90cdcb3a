/** Absorption of first letters (Chanin et al. 2024), as SAEBench measures it. */
import { z } from 'zod';
import { random } from '../../math/random.ts';
import { randomMultiStart } from '../../probes/multi-probe.ts';
import { absorption as declaration } from '../../report/suites/absorption.ts';
import { perHook } from '../sets.ts';
import { defineSuite } from '../suite.ts';
import { LINE_TOKENS, readWords } from './read-words.ts';
import {
  absorptionSuite,
  knownLetters,
  LEAST_F1,
  LEAST_LETTERS,
  latentsOfLetters,
  resamplesOfWords,
  truthOf,
  withoutValues,
} from './score.ts';
import { LETTERS } from './words.ts';

export const absorption = defineSuite({
  declaration,
  settings: {
    own: {
      words: z
        .int()
        .min(100)
        .max(1_000_000)
        .default(20_000)
        .describe('most words to use: tokens made of letters only; SAEBench uses all'),
      examples: z
        .int()
        .nonnegative()
        .max(100)
        .default(10)
        .describe('example lines, a word and its first letter, before each word in its prompt'),
      latents: z.int().min(1).max(100).default(10).describe('most latents of the probe of one letter'),
      f1Jump: z
        .number()
        .nonnegative()
        .max(1)
        .default(0.03)
        .describe('a further latent counts as the letter’s own if it raises F1 by more than this'),
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
          const known = `the residual tells ${letters.length} first letters with an F1 above ${LEAST_F1}, and ${LEAST_LETTERS} are needed: the model cannot spell here`;
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
        const resamples = resamplesOfWords(truth, letters, draws, context.hooks[hook]!);
        const features = { residual: found.residual!, latents };
        const scored = absorptionSuite(features, words, truth, ofLetters, rows, resamples);
        return { ...scored, pairing: [resamples.seed] };
      },
    };
  },
});
