/** What a language model says latents mean, and how well that predicts where they fire: `explanations.json` beside the evidence. */
import { z } from 'zod';
import { protocols } from './explanation-kinds.ts';

export const explanationsVersion = 'interpboard/explanations-1';

/** Most latents of an SAE that are explained. */
export const MOST_EXPLAINED = 10_000;
/** Longest explanation that is kept, in UTF-16 units. */
export const MOST_EXPLANATION = 300;
const id = z.int().nonnegative().max(16_777_216);
const count = z.int().nonnegative();
const share = z.number().min(0).max(1);

/** Answers that were right, of those that could be read; null where none could be asked for or read. */
const tally = z
  .strictObject({ correct: count, of: count.min(1) })
  .refine(({ correct, of }) => correct <= of, 'expected no more that are right than there are')
  .nullable();
export type Tally = z.infer<typeof tally>;
const tallies = z.strictObject({ detection: tally, fuzzing: tally, autointerp: tally });
export type Tallies = z.infer<typeof tallies>;

const estimate = z.strictObject({ value: share, low: share, high: share }).nullable();
export type ScoreEstimate = z.infer<typeof estimate>;

export const explanations = z.strictObject({
  schema: z.literal(explanationsVersion),
  /** Content hash of the SAE. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** The model's name as its server knows it; who runs that server is nobody's business. */
  model: z.string().min(1).max(200),
  made: z.iso.datetime(),
  /** What it was told, by task, and the version of these texts. */
  prompts: z.strictObject({
    version: z.string().max(60),
    explain: z.string().max(5_000),
    detection: z.string().max(5_000),
    fuzzing: z.string().max(5_000),
    autointerp: z.string().max(5_000),
  }),
  /** Of the draws of latents, examples and controls. */
  seed: count,
  /** Asked of the server for this file, answers from the cache included. */
  requests: count,
  /** As the server counts them; null where it does not say. */
  tokens: z.strictObject({ prompt: count, completion: count }).nullable(),
  /** Answers that were none of those asked for. */
  unreadable: count,
  latents: z
    .array(
      z.strictObject({
        latent: id,
        explanation: z.string().min(1).max(MOST_EXPLANATION),
        scores: tallies,
        /** Of another latent's explanation on the same examples. */
        shuffled: tallies,
      }),
    )
    .max(MOST_EXPLAINED),
  /** Latents that were chosen and have no explanation, with the reason. */
  left_out: z.array(z.strictObject({ latent: id, reason: z.string().max(200) })).max(10_000),
  /** Over latents, each as much as another: the mean share of right answers and its interval of 95 %. */
  scores: z
    .array(
      z.strictObject({
        protocol: z.enum(protocols),
        latents: count,
        score: estimate,
        shuffled: estimate,
        /** What the best answer that knows nothing of the text scores. */
        chance: share.nullable(),
      }),
    )
    .max(protocols.length),
});
export type Explanations = z.infer<typeof explanations>;
