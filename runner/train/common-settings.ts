/** Settings of a recipe that every architecture has. Those of one architecture stand in its file. */
import { z } from 'zod';

/** Extremes far outside any use; they keep products exact and arrays allocatable. */
const SIZE_LIMIT = 2 ** 26;

export const size = z.int().positive().max(SIZE_LIMIT);
const rate = z.number().positive().max(1);

/** What one optimiser step depends on (the learning rate is given to it). */
export const stepSettings = {
  dSae: size.default(65_536).describe('latents of the SAE'),
  lossReduction: z
    .enum(['mean', 'sum'])
    .default('mean')
    .describe('loss of one token: the mean or the sum of the squared errors over its dimensions'),
  applyBDecToInput: z
    .boolean()
    .default(true)
    .describe('subtract b_dec from the activations before the encoder'),
  transcode: z
    .enum(['plain', 'skip'])
    .optional()
    .describe(
      'what a transcoder is (hooks such as mlp_in:4>mlp_out:4): plain, its default, or skip: with a linear connection from what it reads; b_dec is not subtracted from that',
    ),
  batchTokens: size.default(2_048).describe('tokens of one optimiser step'),
  gradientClip: z
    .number()
    .positive()
    .default(1)
    .describe('largest global norm of the gradient over the SAE’s parameters'),
  adamBeta1: z.number().min(0).lt(1).default(0.9).describe('decay of Adam’s first moment'),
  adamBeta2: z.number().min(0).lt(1).default(0.999).describe('decay of Adam’s second moment'),
  adamEpsilon: z.number().positive().default(1e-8).describe('Adam’s epsilon'),
  adamMoments: z
    .enum(['float32', 'bfloat16'])
    .optional()
    .describe(
      'what Adam’s moments of W_enc and W_dec are kept in: float32, the default, or bfloat16 with stochastic rounding, in half the memory (topk on a CPU only)',
    ),
  unitNormDecoder: z.boolean().default(true).describe('scale the rows of W_dec to unit norm after each step'),
  removeParallelGradient: z
    .boolean()
    .default(false)
    .describe('before clipping, remove from each W_dec row’s gradient the part along the row'),
};

/** What happens before the first step and between the steps. */
const runSettings = {
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
    .describe('a latent is dead when it did not fire (topk: entered no top k) during this many tokens'),
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
  biasInitSamples: size.default(16_384).describe('activations whose geometric median b_dec starts from'),
  decoderInitNorm: z
    .number()
    .positive()
    .max(1_000)
    .default(1)
    .describe(
      'norm of the first rows of W_dec, whose transpose W_enc starts from; another than 1 with unitNormDecoder=false alone',
    ),
  biasInit: z
    .enum(['geometric-median', 'zeros'])
    .default('geometric-median')
    .describe(
      'what b_dec starts from: the geometric median of the first biasInitSamples activations, or zeros, as in SAELens',
    ),
  weiszfeldIterations: z
    .int()
    .nonnegative()
    .max(10_000)
    .default(40)
    .describe('Weiszfeld iterations of that median, from the mean'),
  seed: z.int().nonnegative().default(0).describe('seed of the initial weights and of the shuffling'),
};

export const commonSettings = { ...stepSettings, ...runSettings };

export type CommonRecipe = z.output<z.ZodObject<typeof commonSettings>>;

/** What the squared error, summed over the tokens and dimensions of a batch, is multiplied by in the loss. */
export function lossWeight(
  { batchTokens, lossReduction }: Pick<CommonRecipe, 'batchTokens' | 'lossReduction'>,
  d_in: number,
): number {
  return lossReduction === 'sum' ? 1 / batchTokens : 1 / (batchTokens * d_in);
}
