/** The loss of architectures that keep the k largest pre-activations: reconstruction and AuxK, in the step program. */
import type { Loss, ProgramStep, RecipeWith, Selection } from './architectures/architecture.ts';
import { auxK, type auxKSettings } from './aux-k.ts';
import { encoderGradients } from './gradients.ts';
import { reconstructionLoss } from './reconstruction-loss.ts';

type AuxKRecipe = RecipeWith<typeof auxKSettings>;

/** @param groups latents of each group whose prefixes are reconstructed */
export function topKLoss(
  step: ProgramStep<AuxKRecipe>,
  selection: Selection,
  groups: readonly number[],
): Loss {
  const { graph, recipe, d_in, centred, parameters, zero } = step;
  const { W_enc, W_dec } = parameters;
  const main = reconstructionLoss(step, selection.z, groups);
  const encoder = encoderGradients(graph, centred, selection.backward(main.slopes).pre, recipe.batchTokens);
  const { loss, gradients } = auxK(graph, recipe, d_in, {
    centred,
    error: main.error,
    fired: selection.fired,
    zero,
    W_enc,
    W_dec,
    b_enc: parameters.b_enc!,
    gradients: {
      W_enc: encoder.W_enc,
      W_dec: main.W_dec,
      b_enc: encoder.b_enc,
      b_dec: main.b_dec,
      ...main.skip,
    },
  });
  return {
    error: main.error,
    nestedSquares: main.nestedSquares,
    gradients,
    encoderSum: gradients.b_enc!,
    aux: loss,
    sparsity: null,
  };
}
