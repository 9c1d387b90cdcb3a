/** Recipes of SAEs that are trained briefly on a small synthetic model: every architecture from the same budget. */
import { type Recipe, recipe } from '../../../runner/train/recipe.ts';

/** What a penalty on L0 is given, and the steps in which it and the learning rate grow. */
export const LOSS = { warmup: 50, penalty: 1, threshold: 1, bandwidth: 2 };
/** Samples that biases start from. */
export const BIAS_SAMPLES = 1_024;

/** relu is not compared: its L0 follows from a penalty, as Gated's does, and it shrinks what it finds. */
export type Compared = Exclude<Recipe['architecture'], 'relu'>;

export interface Budget {
  width: number;
  steps: number;
  /** Samples a step. */
  batch: number;
  rate: number;
  /** Of BatchTopK and Matryoshka. */
  thresholdDecay: number;
  /** Whether b_dec and the rows of W_dec start as in SAELens and rows may grow; else all as is usual here. */
  asSaeLens: boolean;
}

/** @param sparsity k, the L0 that the loss aims at, or of Gated the weight of its L1 loss, which L0 falls with */
export function truthRecipe(
  architecture: Compared,
  { sparsity, seed }: { sparsity: number; seed: number },
  { width, steps, batch, rate, thresholdDecay, asSaeLens }: Budget,
): Recipe {
  const common = {
    architecture,
    dSae: width,
    seed,
    batchTokens: batch,
    lossReduction: 'sum',
    learningRate: rate,
    learningRateFloor: rate,
    warmupSteps: LOSS.warmup,
    decay: 'none',
    scheduleSteps: steps,
    biasInitSamples: BIAS_SAMPLES,
    ...(asSaeLens && {
      biasInit: 'zeros',
      unitNormDecoder: false,
      // Of JumpReLU the peer is asked for 1, in whose scale thresholds are.
      decoderInitNorm: architecture === 'jumprelu' ? 1 : 0.1,
    }),
    deadThresholdTokens: 50_000,
  };
  const topK = { ...common, k: sparsity, kAux: width / 4 };
  switch (architecture) {
    case 'topk':
      return recipe.parse(topK);
    case 'batchtopk':
      return recipe.parse({ ...topK, thresholdDecay });
    case 'matryoshka':
      return recipe.parse({ ...topK, thresholdDecay, groupFractions: [1 / 8, 1 / 8, 1 / 4, 1 / 2] });
    case 'jumprelu':
      return recipe.parse({
        ...common,
        sparsityLoss: 'l0-target-token',
        l0Target: sparsity,
        sparsityPenalty: LOSS.penalty,
        sparsityWarmupSteps: LOSS.warmup,
        initialThreshold: LOSS.threshold,
        bandwidth: LOSS.bandwidth,
      });
    case 'gated':
      return recipe.parse({
        ...common,
        sparsityPenalty: sparsity,
        sparsityWarmupSteps: LOSS.warmup,
      });
  }
}
