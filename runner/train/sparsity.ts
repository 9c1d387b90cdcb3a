/** Settings of architectures whose sparsity is a term of the loss. */
import { z } from 'zod';
import { float32, type HostTensor } from '../onnx/session.ts';
import type { CommonRecipe } from './common-settings.ts';

export const sparsitySettings = {
  sparsityPenalty: z
    .number()
    .nonnegative()
    .max(1e9)
    .default(1)
    .describe(
      'jumprelu, gated: weight of a token’s sparsity loss beside its squared error summed over dimensions; with lossReduction mean both are divided by their number',
    ),
  sparsityWarmupSteps: z
    .int()
    .nonnegative()
    .default(0)
    .describe('jumprelu, gated: steps in which that weight grows linearly from 0'),
};

type SparsityRecipe = Pick<CommonRecipe, 'lossReduction'> & z.output<z.ZodObject<typeof sparsitySettings>>;

/** The weight in the loss of one token, after so many updates. */
export function sparsityWeight(
  { sparsityPenalty, sparsityWarmupSteps, lossReduction }: SparsityRecipe,
  { updates, d_in }: { updates: number; d_in: number },
): number {
  const whole = lossReduction === 'sum' ? sparsityPenalty : sparsityPenalty / d_in;
  return updates < sparsityWarmupSteps ? (whole * updates) / sparsityWarmupSteps : whole;
}

/** What the step program is told of it: input sparsity_weight, a scalar. */
export function sparsityFeeds(
  recipe: SparsityRecipe,
  step: { updates: number; d_in: number },
): Record<string, HostTensor> {
  return { sparsity_weight: float32(Float32Array.of(sparsityWeight(recipe, step)), []) };
}
