/** What the study trains: every architecture at three sparsities and several widths, at several lengths and seeds. */
import type { Recipe } from '../../runner/train/recipe.ts';
import { type Compared, truthRecipe } from '../bench/parts/truth-recipe.ts';

export interface Design {
  widths: readonly number[];
  /** Training steps at which each SAE is measured, ascending. */
  lengths: readonly number[];
  batch: number;
  rate: number;
  /** Samples of an evaluation. */
  samples: number;
  /** Evaluations of an SAE of the last length; one of the others. */
  evaluationSeeds: number;
}

/** Latents a sample, as k or as the target of the loss; gated: the weight of its L1 loss, which L0 falls with. */
const SPARSITIES: Record<Compared, readonly [number, number, number]> = {
  topk: [3, 6, 12],
  batchtopk: [3, 6, 12],
  matryoshka: [3, 6, 12],
  jumprelu: [3, 6, 12],
  gated: [10, 6, 3],
};

/** SAEs trained together, from one stream of samples; what an interrupted study begins anew. */
export interface Unit {
  name: string;
  seed: number;
  width: number;
  configurations: readonly { configuration: string; recipe: Recipe }[];
}

/** All of one seed, then the next: a study cut short has whole sweeps of fewer seeds. */
export function unitsOf({ batch, rate, lengths, widths }: Design, seeds: number): Unit[] {
  const budget = {
    steps: lengths.at(-1)!,
    batch,
    rate,
    thresholdDecay: 0.98,
    asSaeLens: false,
  };
  const architectures = Object.keys(SPARSITIES) as Compared[];
  return Array.from({ length: seeds }, (_, i) => i + 1).flatMap((seed) =>
    architectures.flatMap((architecture) =>
      widths.map((width) => ({
        name: `${seed}-${architecture}-${width}`,
        seed,
        width,
        configurations: SPARSITIES[architecture].map((sparsity) => ({
          configuration: `${architecture} ${sparsity} ${width}`,
          recipe: truthRecipe(architecture, { sparsity, seed }, { ...budget, width }),
        })),
      })),
    ),
  );
}
