/** Which SAE each of those that are trained starts from, and whether it fits: known from headers, before the job. */
import type { SaeSettings } from '../../config/sections.ts';
import { quote, UserError } from '../../errors.ts';
import { placeName } from '../../hook.ts';
import { openSaeFile } from '../../sae/checkpoints/load.ts';
import { checkStart } from '../../train/from-sae.ts';
import type { SaePlan } from '../../train/sae-trainer.ts';
import { type ModelPlace, widthsOf } from '../shared/model-place.ts';
import { hooksOfPlans, type TrainedPlan, trainedSaes, withWidths } from '../shared/planned-saes.ts';
import type { PublishedSae } from '../shared/published-saes.ts';

/**
 * The SAE that each plan starts from: the one at its hook.
 *
 * @returns by the plans' ids; none where training starts from none
 * @throws UserError where a hook has none or several, or an SAE is of no hook that is trained
 */
export function startOfEach(
  plans: readonly TrainedPlan[],
  from: readonly PublishedSae[],
): ReadonlyMap<string, PublishedSae> {
  if (from.length === 0) return new Map();
  const trained = new Set(plans.map(({ hook }) => placeName(hook)));
  const byPlace = new Map<string, PublishedSae>();
  for (const sae of from) {
    const place = placeName(sae);
    const other = byPlace.get(place);
    if (other !== undefined) throw twice(place, [other, sae]);
    if (!trained.has(place)) throw idle(sae, trained);
    byPlace.set(place, sae);
  }
  return new Map(
    plans.map(({ id, hook }) => {
      const start = byPlace.get(placeName(hook));
      if (start === undefined) throw without(placeName(hook), byPlace);
      return [id, start];
    }),
  );
}

function twice(place: string, saes: readonly PublishedSae[]): UserError {
  return new UserError({
    thing: `training at ${place}`,
    found: `two SAEs of that hook to start from: ${saes.map((sae) => quote(sae.place.name)).join(' and ')}`,
    expected: 'one',
    next: 'Leave one of them out of --from.',
  });
}

function without(place: string, byPlace: ReadonlyMap<string, PublishedSae>): UserError {
  return new UserError({
    thing: `training at ${place}`,
    found: 'no SAE of that hook to start from',
    expected: 'one for each hook that is trained',
    next: `Train at their hooks alone: --hooks ${quote([...byPlace.keys()].join(','))}.`,
  });
}

function idle(sae: PublishedSae, trained: ReadonlySet<string>): UserError {
  return new UserError({
    thing: `SAE ${quote(sae.place.name)}, which training starts from`,
    found: `one of ${placeName(sae)}`,
    expected: `one of ${[...trained].join(', ')}, which are trained`,
    next: 'Train at its hook too, or leave it out.',
  });
}

/**
 * Holds SAEs that training is to start from to its hooks and recipes.
 *
 * @throws UserError as `startOfEach`, and where one cannot be trained on or its recipe needs other settings
 */
export async function matchStarts(
  config: SaeSettings,
  model: ModelPlace,
  from: readonly PublishedSae[],
): Promise<void> {
  const trained = trainedSaes(config);
  const starts = startOfEach(trained, from);
  if (starts.size === 0) return;
  await checkStarts(withWidths(trained, await widthsOf(model, hooksOfPlans(trained))), starts);
}

/**
 * Looks into the header of each.
 *
 * @throws UserError where one cannot be trained on, or its recipe needs other settings
 */
async function checkStarts(
  plans: readonly SaePlan[],
  starts: ReadonlyMap<string, PublishedSae>,
): Promise<void> {
  for (const plan of plans) {
    const place = starts.get(plan.id)?.place;
    if (place === undefined) continue;
    const file = await openSaeFile(place.path, place.options);
    try {
      checkStart(plan, place.name, file.sae);
    } finally {
      await file.close();
    }
  }
}
