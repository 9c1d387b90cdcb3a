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
      'jumprelu, gated, relu: weight of a token’s sparsity loss beside its squared error summed over dimensions; with lossReduction mean both are divided by their number',
    ),
  sparsityWarmupSteps: z
    .int()
    .nonnegative()
    .default(0)
    .describe('jumprelu, gated, relu: steps in which that weight grows linearly from 0'),
};

type SparsityRecipe = Pick<CommonRecipe, 'lossReduction'> & z.output<z.ZodObject<typeof sparsitySettings>>;

/** The weight in the loss of one token, after so many updates; `sparsityScale` is what annealing multiplies it by. */
export function sparsityWeight(
  { sparsityPenalty, sparsityWarmupSteps, lossReduction }: SparsityRecipe,
  { updates, d_in, sparsityScale }: { updates: number; d_in: number; sparsityScale: number },
): number {
  const scaled = sparsityPenalty * sparsityScale;
  const whole = lossReduction === 'sum' ? scaled : scaled / d_in;
  return updates < sparsityWarmupSteps ? (whole * updates) / sparsityWarmupSteps : whole;
}

/** What the step program is told of it: input sparsity_weight, a scalar. */
export function sparsityFeeds(
  recipe: SparsityRecipe,
  step: { updates: number; d_in: number; sparsityScale: number },
): Record<string, HostTensor> {
  return { sparsity_weight: float32(Float32Array.of(sparsityWeight(recipe, step)), []) };
}
