/** The SAEs of a run: what they are called, where they hook in, and where they come from. */
import type { RunConfig } from '../config/run-config.ts';
import { sweptRecipes } from '../config/sweep.ts';
import { readRelease } from '../sae/checkpoints/reference-release.ts';
import type { Sae } from '../sae/sae.ts';
import type { Recipe } from '../train/recipe.ts';

export interface PlannedSae {
  /** Name in files, in progress and (in lower case) in records: `L11`, or `L11_k64` where a layer has several. */
  id: string;
  layer: number;
  origin: SaeOrigin;
}

export type SaeOrigin =
  /** Trained by the run, its files in the run's folder. */
  { kind: 'trained'; recipe: Recipe };

/** By layer, ascending; of one layer in the order of the sweep. Ids are unique. */
export function plannedSaes(config: RunConfig): PlannedSae[] {
  const recipes = sweptRecipes(config.sae, config.sweep);
  const layers = [...config.layers].sort((a, b) => a - b);
  return layers.flatMap((layer) =>
    recipes.map(
      ({ suffix, recipe }): PlannedSae => ({
        id: `L${layer}${suffix}`,
        layer,
        origin: { kind: 'trained', recipe },
      }),
    ),
  );
}

/**
 * The SAE itself.
 *
 * @param folder the run's
 * @throws UnavailableError or MalformedError when its files cannot be read
 */
export async function readPlannedSae(folder: string, { id, origin }: PlannedSae): Promise<Sae> {
  switch (origin.kind) {
    case 'trained':
      return (await readRelease(folder, id)).sae;
    default:
      return origin.kind satisfies never;
  }
}
