/** What the study trains: every architecture at three sparsities and several widths, at several lengths and seeds. */
import { type Recipe, recipe } from '../../runner/train/recipe.ts';

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

const ARCHITECTURES = ['topk', 'batchtopk', 'matryoshka', 'jumprelu', 'gated'] as const;
type Architecture = (typeof ARCHITECTURES)[number];

/** Latents a sample, as k or as the target of the loss; gated: the weight of its L1 loss, which L0 falls with. */
const SPARSITIES: Record<Architecture, readonly [number, number, number]> = {
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
export function unitsOf(design: Design, seeds: number): Unit[] {
  return Array.from({ length: seeds }, (_, i) => i + 1).flatMap((seed) =>
    ARCHITECTURES.flatMap((architecture) =>
      design.widths.map((width) => ({
        name: `${seed}-${architecture}-${width}`,
        seed,
        width,
        configurations: SPARSITIES[architecture].map((sparsity) => ({
          configuration: `${architecture} ${sparsity} ${width}`,
          recipe: recipeOf(design, architecture, { width, seed, sparsity }),
        })),
      })),
    ),
  );
}

function recipeOf(
  { batch, rate, lengths }: Design,
  architecture: Architecture,
  { width, seed, sparsity }: { width: number; seed: number; sparsity: number },
): Recipe {
  const common = {
    architecture,
    dSae: width,
    seed,
    batchTokens: batch,
    lossReduction: 'sum',
    learningRate: rate,
    learningRateFloor: rate,
    warmupSteps: 50,
    decay: 'none',
    scheduleSteps: lengths.at(-1)!,
    biasInitSamples: 1_024,
    deadThresholdTokens: 50_000,
  };
  const own = (): Record<string, unknown> => {
    switch (architecture) {
      case 'topk':
        return { k: sparsity, kAux: width / 4 };
      case 'batchtopk':
        return { k: sparsity, kAux: width / 4, thresholdDecay: 0.98 };
      case 'matryoshka':
        return {
          k: sparsity,
          kAux: width / 4,
          thresholdDecay: 0.98,
          groupFractions: [1 / 8, 1 / 8, 1 / 4, 1 / 2],
        };
      case 'jumprelu':
        return {
          sparsityLoss: 'l0-target-token',
          l0Target: sparsity,
          sparsityPenalty: 1,
          sparsityWarmupSteps: 50,
          initialThreshold: 1,
          bandwidth: 2,
        };
      case 'gated':
        return { sparsityPenalty: sparsity, sparsityWarmupSteps: 50 };
    }
  };
  return recipe.parse({ ...common, ...own() });
}
