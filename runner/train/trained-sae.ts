import { checkedSae, type Normalisation, type Sae, type SaeTensors, topKSae } from '../sae/sae.ts';
import { groupSizes } from './matryoshka.ts';
import type { Recipe } from './recipe.ts';

/**
 * The SAE that a recipe trains, in canonical form. Tensors are not copied.
 *
 * @param threshold what a latent selected over the batch must exceed outside training
 */
export function trainedSae(
  recipe: Recipe,
  d_in: number,
  tensors: SaeTensors,
  { normalisation, threshold }: { normalisation: Normalisation; threshold: number },
): Sae {
  const { dSae: d_sae, k, architecture } = recipe;
  const common = { d_in, d_sae, k, normalisation, apply_b_dec_to_input: true, ...tensors };
  const thresholds = (): Float32Array => new Float32Array(d_sae).fill(threshold);
  switch (architecture) {
    case 'topk':
      return topKSae(common);
    case 'batchtopk':
      return checkedSae({ ...common, architecture, threshold: thresholds() });
    case 'matryoshka':
      return checkedSae({
        ...common,
        architecture,
        threshold: thresholds(),
        group_sizes: groupSizes(recipe),
      });
    default:
      return architecture satisfies never;
  }
}
