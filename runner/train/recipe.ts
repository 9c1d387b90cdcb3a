import { z } from 'zod';
import { groupSizes } from './matryoshka.ts';

/** Extremes far outside any use; they keep products exact and arrays allocatable. */
const SIZE_LIMIT = 2 ** 26;

const size = z.int().positive().max(SIZE_LIMIT);
const rate = z.number().positive().max(1);

/**
 * How one SAE is trained. The defaults are those of the reference release for a residual stream of 5,120 dimensions,
 * as it was run: its 2,048 tokens a step, and a cosine that reaches its floor after 48,828 steps.
 */
export const recipe = z
  .strictObject({
    architecture: z
      .enum(['topk', 'batchtopk', 'matryoshka'])
      .default('topk')
      .describe(
        'architecture; topk: the k largest latents of each token; batchtopk: the k a token largest of a batch, saved with a threshold; matryoshka: the same, each prefix of groups reconstructing by itself',
      ),
    groupFractions: z
      .array(z.number().positive().lt(1))
      .min(1)
      .max(32)
      .default([1 / 32, 1 / 16, 1 / 8, 1 / 4, 17 / 32])
      .describe('matryoshka: share of the latents in each group, summing to 1'),
    thresholdDecay: z
      .number()
      .min(0)
      .lt(1)
      .default(0.999)
      .describe(
        'batchtopk, matryoshka: decay, a step, of the average of the smallest kept latent, which becomes the threshold',
      ),
    dSae: size.default(65_536).describe('latents of the SAE'),
    k: size.default(128).describe('latents kept for each token'),
    kAux: size
      .default(2_560)
      .describe(
        'AuxK: dead latents that model the residual, for each token; half the width of the residual stream in the reference',
      ),
    alphaAux: z
      .number()
      .nonnegative()
      .max(1_000)
      .default(1 / 32)
      .describe('weight of the AuxK loss; 0 turns AuxK off'),
    auxVariant: z
      .enum(['reference', 'scaled', 'normalised'])
      .default('reference')
      .describe(
        'form of AuxK; reference: plain squared error, only while at least kAux latents are dead; scaled: times min(dead / kAux, 1), from the first dead latent on; normalised: divided by the variance of the residual, from the first dead latent on',
      ),
    lossReduction: z
      .enum(['mean', 'sum'])
      .default('mean')
      .describe('loss of one token: the mean or the sum of the squared errors over its dimensions'),
    deadCounting: z
      .enum(['before-step', 'with-step'])
      .default('before-step')
      .describe(
        'whether the tokens and firings of a step itself count for the dead latents its AuxK goes by',
      ),
    normalisation: z
      .enum(['none', 'expected_average_only_in', 'constant_norm_rescale', 'layer_norm'])
      .default('none')
      .describe(
        'what is done to activations before the SAE and undone after it; expected_average_only_in: one scale for all, from the first biasInitSamples',
      ),
    deadThresholdTokens: z
      .int()
      .positive()
      .max(2 ** 31 - 1)
      .default(10_000_000)
      .describe('a latent is dead when it entered no top k during this many tokens'),
    batchTokens: size.default(2_048).describe('tokens of one optimiser step'),
    learningRate: rate.default(2e-4).describe('learning rate at the end of the warm-up'),
    learningRateRule: z
      .enum(['fixed', 'width'])
      .default('fixed')
      .describe(
        'width: learningRate and its floor are divided by sqrt(dSae / 2^14), as Gao et al. 2024 scale it',
      ),
    learningRateFloor: z
      .number()
      .nonnegative()
      .max(1)
      .default(6e-5)
      .describe('learning rate at the end of the decay, and after it'),
    warmupSteps: z.int().nonnegative().default(5_000).describe('steps of the linear warm-up from 0'),
    decay: z
      .enum(['cosine', 'linear', 'none'])
      .default('cosine')
      .describe('how the learning rate falls from the peak to the floor'),
    decayStartStep: z
      .int()
      .nonnegative()
      .nullable()
      .default(null)
      .describe('step at which the decay begins; null is the end of the warm-up'),
    scheduleSteps: z
      .int()
      .positive()
      .default(48_828)
      .describe('step at which the decay reaches its floor, warm-up included'),
    gradientClip: z
      .number()
      .positive()
      .default(1)
      .describe('largest global norm of the gradient over the SAE’s parameters'),
    adamBeta1: z.number().min(0).lt(1).default(0.9).describe('decay of Adam’s first moment'),
    adamBeta2: z.number().min(0).lt(1).default(0.999).describe('decay of Adam’s second moment'),
    adamEpsilon: z.number().positive().default(1e-8).describe('Adam’s epsilon'),
    unitNormDecoder: z
      .boolean()
      .default(true)
      .describe('scale the rows of W_dec to unit norm after each step'),
    removeParallelGradient: z
      .boolean()
      .default(false)
      .describe('before clipping, remove from each W_dec row’s gradient the part along the row'),
    biasInitSamples: size.default(16_384).describe('activations whose geometric median b_dec starts from'),
    weiszfeldIterations: z
      .int()
      .nonnegative()
      .max(10_000)
      .default(40)
      .describe('Weiszfeld iterations of that median, from the mean'),
    seed: z.int().nonnegative().default(0).describe('seed of the initial weights and of the shuffling'),
  })
  .superRefine((value, context) => {
    const bound = (
      field: 'k' | 'kAux' | 'learningRateFloor' | 'warmupSteps',
      limit: number,
      name: string,
    ) => {
      if (value[field] > limit) {
        context.addIssue({ code: 'custom', path: [field], message: `expected at most ${name} (${limit})` });
      }
    };
    bound('k', value.dSae, 'dSae');
    bound('kAux', value.dSae, 'dSae');
    bound('learningRateFloor', value.learningRate, 'learningRate');
    bound('warmupSteps', value.scheduleSteps, 'scheduleSteps');
    const start = value.decayStartStep;
    if (start !== null && (start < value.warmupSteps || start >= value.scheduleSteps)) {
      context.addIssue({
        code: 'custom',
        path: ['decayStartStep'],
        message: `expected a step from warmupSteps (${value.warmupSteps}) on, before scheduleSteps (${value.scheduleSteps})`,
      });
    }
    if (value.architecture === 'matryoshka') complainAboutGroups(value, context);
  });

function complainAboutGroups(
  value: { dSae: number; groupFractions: number[] },
  context: z.RefinementCtx,
): void {
  const sum = value.groupFractions.reduce((total, fraction) => total + fraction, 0);
  const message =
    Math.abs(sum - 1) > 1e-6
      ? `expected fractions that sum to 1, received ${sum}`
      : groupSizes(value).some((size) => size < 1)
        ? `expected groups of at least one of the ${value.dSae} latents`
        : undefined;
  if (message !== undefined) context.addIssue({ code: 'custom', path: ['groupFractions'], message });
}

export type Recipe = z.infer<typeof recipe>;

/** The part of the recipe that one optimiser step depends on (the learning rate is given to it). */
export type StepRecipe = Pick<
  Recipe,
  | 'architecture'
  | 'groupFractions'
  | 'lossReduction'
  | 'deadCounting'
  | 'dSae'
  | 'k'
  | 'kAux'
  | 'alphaAux'
  | 'auxVariant'
  | 'batchTokens'
  | 'gradientClip'
  | 'adamBeta1'
  | 'adamBeta2'
  | 'adamEpsilon'
  | 'unitNormDecoder'
  | 'removeParallelGradient'
>;

/** What the squared error, summed over the tokens and dimensions of a batch, is multiplied by in the loss. */
export function lossWeight(
  { batchTokens, lossReduction }: Pick<StepRecipe, 'batchTokens' | 'lossReduction'>,
  d_in: number,
): number {
  return lossReduction === 'sum' ? 1 / batchTokens : 1 / (batchTokens * d_in);
}

/** AuxK is active when so many latents are dead. */
export function leastDead({ auxVariant, kAux }: Pick<StepRecipe, 'auxVariant' | 'kAux'>): number {
  return auxVariant === 'reference' ? kAux : 1;
}
