/** The SAEs of a run: what they are called, where they hook in, and where they come from. */
import type { SaeSettings } from '../../config/sections.ts';
import { sweptRecipes } from '../../config/sweep.ts';
import { trainedPlaces } from '../../config/trained-hooks.ts';
import {
  comparePlaces,
  type Hook,
  hookLabel,
  hooksOfPlace,
  orderedHooks,
  type Place,
  placeLabel,
  placeOf,
} from '../../hook.ts';
import { openSaeFile } from '../../sae/checkpoints/load.ts';
import type { SaeFile } from '../../sae/checkpoints/loaded.ts';
import { openRelease } from '../../sae/checkpoints/reference-release.ts';
import type { Recipe } from '../../train/recipe.ts';
import type { SaePlan } from '../../train/sae-trainer.ts';
import type { PublishedSae } from './published-saes.ts';

/** With where it stands. */
export interface PlannedSae extends Place {
  /** Name in files, in progress and (in lower case) in records: `L11`, or `L11_k64` where a layer has several. */
  id: string;
  origin: SaeOrigin;
}

export type SaeOrigin =
  /** Trained by the run, its files in the run's folder. */
  | { kind: 'trained'; recipe: Recipe }
  /** Made by others, its files wherever they lie. */
  | { kind: 'published'; sae: PublishedSae };

/** By hook, in the order of the model; of one hook those that are trained in the order of the sweep, then the others. Ids are unique. */
export function plannedSaes(config: SaeSettings, published: readonly PublishedSae[]): PlannedSae[] {
  const trained = trainedSaes(config).map(
    ({ id, hook, recipe }): PlannedSae => ({ id, ...hook, origin: { kind: 'trained', recipe } }),
  );
  const others = published.map(
    (sae): PlannedSae => ({
      id: sae.id,
      ...placeOf(sae),
      origin: { kind: 'published', sae },
    }),
  );
  return [...trained, ...others].sort(comparePlaces);
}

/** One that the run trains, before the width of its hook is known. */
export type TrainedPlan = Omit<SaePlan, 'd_in'>;

/** Those that the run trains, by hook, of one hook in the order of the sweep. */
export function trainedSaes(config: SaeSettings): TrainedPlan[] {
  if (!config.train) return [];
  const recipes = sweptRecipes(config.sae, config.sweep);
  return trainedPlaces(config).flatMap((hook) =>
    recipes.map(({ suffix, recipe }) => ({
      id: `${placeLabel(hook)}${suffix}`,
      hook,
      recipe: recipeAt(hook, recipe),
    })),
  );
}

/** SAEs have no skip connection, and of transcoders b_dec is of another activation than what they read. */
function recipeAt({ reads }: Place, { transcode, ...recipe }: Recipe): Recipe {
  if (reads === undefined) return recipe;
  return { ...recipe, transcode: transcode ?? 'plain', applyBDecToInput: false };
}

/** All that is read of the language model for some, each hook once, in order. */
export function hooksOfPlans(plans: readonly Pick<SaePlan, 'hook'>[]): Hook[] {
  return orderedHooks(plans.flatMap(({ hook }) => hooksOfPlace(hook)));
}

/** With the width of each. */
export function withWidths(plans: readonly TrainedPlan[], widths: ReadonlyMap<string, number>): SaePlan[] {
  return plans.map((plan) => ({ ...plan, d_in: widths.get(hookLabel(plan.hook))! }));
}

/** Id of the record of an SAE of a run. */
export function recordId(run: string, sae: string): string {
  return `${run}-${sae.toLowerCase().replaceAll('_', '-')}`;
}

/**
 * The SAE itself, its large matrices still in its file. Close it when it is done with.
 *
 * @param folder the run's
 * @throws UnavailableError or MalformedError when its files cannot be read
 */
export async function openPlannedSae(folder: string, { id, origin }: PlannedSae): Promise<SaeFile> {
  switch (origin.kind) {
    case 'trained':
      return openRelease(folder, id);
    case 'published':
      return openSaeFile(origin.sae.place.path, origin.sae.place.options);
    default:
      return origin satisfies never;
  }
}
