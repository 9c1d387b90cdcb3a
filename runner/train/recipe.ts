import { z } from 'zod';

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
      .enum(['topk'])
      .default('topk')
      .describe('architecture of the SAE; topk: the k largest latents of each token'),
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
      .enum(['reference'])
      .default('reference')
      .describe(
        'form of AuxK; reference: plain mean squared error, only while at least kAux latents are dead',
      ),
    deadThresholdTokens: z
      .int()
      .positive()
      .max(2 ** 31 - 1)
      .default(10_000_000)
      .describe('a latent is dead when it entered no top k during this many tokens'),
    batchTokens: size.default(2_048).describe('tokens of one optimiser step'),
    learningRate: rate.default(2e-4).describe('learning rate at the end of the warm-up'),
    learningRateFloor: z
      .number()
      .nonnegative()
      .max(1)
      .default(6e-5)
      .describe('learning rate at the end of the cosine, and after it'),
    warmupSteps: z.int().nonnegative().default(5_000).describe('steps of the linear warm-up from 0'),
    scheduleSteps: z
      .int()
      .positive()
      .default(48_828)
      .describe('step at which the cosine reaches its floor, warm-up included'),
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
  });

export type Recipe = z.infer<typeof recipe>;

/** The part of the recipe that one optimiser step depends on (the learning rate is given to it). */
export type StepRecipe = Pick<
  Recipe,
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
