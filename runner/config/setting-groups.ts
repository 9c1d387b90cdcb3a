/** Parts of a run's settings that stand by themselves: what `run-config.ts` is put together from. */
import { z } from 'zod';
import { corpusNames } from '../text/corpora.ts';
import { sourceDeclaration } from '../text/file-source.ts';
import { probeDeclaration } from '../text/probe-declaration.ts';

export const seed = z
  .int()
  .nonnegative()
  .max(2 ** 31 - 1);
export const count = z
  .int()
  .positive()
  .max(2 ** 50);

export const shuffleSettings = z.strictObject({
  megabytes: z
    .int()
    .nonnegative()
    .max(2 ** 30)
    .default(0)
    .describe('size of the buffer that tokens of many passes are shuffled in, all hooks together; 0 is none'),
  onDisk: z.boolean().default(false).describe('keep that buffer in a file of the run folder, not in memory'),
});

export const keptActivations = z.strictObject({
  type: z
    .enum(['float32', 'bfloat16'])
    .default('float32')
    .describe('type that activations are rounded to before SAEs are trained on them, and are kept in'),
  gigabytes: z
    .number()
    .nonnegative()
    .max(1_000_000)
    .default(0)
    .describe(
      'what activations may take in .cache/activations, kept for later runs over the same text, model and hooks, which do not run the model then; one run fills half of it at most; 0 keeps none',
    ),
});

export const policySettings = z.strictObject({
  dropFirst: z
    .int()
    .nonnegative()
    .max(1_000_000)
    .default(0)
    .describe(
      'tokens at the start of each row that SAEs are not trained on: 1 leaves out BOS or the attention sink',
    ),
  highNorm: z
    .enum(['keep', 'drop', 'cap'])
    .default('keep')
    .describe(
      'tokens of extreme norm (attention sinks): trained on, left out at all hooks, or scaled to the limit',
    ),
  highNormFactor: z
    .number()
    .positive()
    .max(1_000_000)
    .default(10)
    .describe('that limit, times the median norm of the first biasInitSamples activations'),
});

/** Sources as a list of declarations, or one given by its reference alone. */
export const sources = z.union([
  z.array(sourceDeclaration).min(1).max(100),
  z
    .string()
    .regex(/[/\\.:]/, `expected small-world, ${corpusNames.join(', ')}, or a reference to data files`)
    .max(1_000)
    .transform((data) => [sourceDeclaration.parse({ data })]),
]);

export const probeSet = z.union([z.string().min(1).max(100), probeDeclaration]);

/** A suite from a file is known by what it is, not by where it lies. */
export const ownSuite = z.strictObject({
  id: z.string().max(60).describe('name of the suite'),
  file: z.string().max(300).describe('last name of its file'),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .describe('SHA-256 of the file'),
});

export const validationSettings = z.strictObject({
  tokens: count
    .nullable()
    .default(null)
    .describe('held-out tokens of val_report.json, packed as training text; null: it repeats the evaluation'),
  seed: seed.default(43).describe('seed of that text; must differ from trainSeed'),
});

export const liveSettings = z.strictObject({
  budget: z
    .int()
    .nonnegative()
    .max(2 ** 31 - 1)
    .nullable()
    .default(null)
    .describe(
      'bytes that the language model and an SAE may take together for the report to carry them, so that a page runs them in the browser: their weights are published with the report; 0 is no such page; null: 16000000 of the embedded model, 0 of others',
    ),
});

export const uploadSettings = z.strictObject({
  repository: z
    .string()
    .max(300)
    .nullable()
    .default(null)
    .describe(
      'owner/name on the hub, for SAEs and resume state while training and for the release; null is none',
    ),
  everyTokens: count.default(10_000_000).describe('tokens between two uploads, in the background'),
  private: z.boolean().default(true).describe('make the repository private, should it not be there'),
});
