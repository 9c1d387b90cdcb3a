import { expect, test } from 'vitest';
import { type Place, parsePlace, placeLabel } from '../../../../runner/hook.ts';
import type { TrainedPlan } from '../../../../runner/job/shared/planned-saes.ts';
import type { PublishedSae } from '../../../../runner/job/shared/published-saes.ts';
import { startOfEach } from '../../../../runner/job/training-data/starts.ts';
import { smallRecipe } from '../../train/support.ts';

const at = (text: string): Place => parsePlace(text)!;
const planAt = (text: string, id = placeLabel(at(text))): TrainedPlan => ({
  id,
  hook: at(text),
  recipe: smallRecipe({}),
});
const saeAt = (text: string, name: string): PublishedSae => ({
  ...at(text),
  id: name,
  d_sae: 8,
  place: {
    name,
    path: name,
    options: {},
    hook: {},
    repo: null,
    revision: null,
    pathInRepo: null,
    registry: null,
    license: null,
    conversions: [],
  } as unknown as PublishedSae['place'],
  format: 'sae_lens',
  details: {} as PublishedSae['details'],
  files: [],
  otherHook: null,
  conversions: [],
});

test('each SAE starts from the one of its hook, all of a sweep from the same', () => {
  const [first, second] = [saeAt('resid_post:2', 'a'), saeAt('mlp_out:2', 'b')];
  const plans = [planAt('resid_post:2', 'L2_k1'), planAt('resid_post:2', 'L2_k2'), planAt('mlp_out:2')];
  const starts = startOfEach(plans, [second, first]);
  expect(plans.map(({ id }) => starts.get(id))).toEqual([first, first, second]);
  expect(startOfEach(plans, []).size).toBe(0);
});

test('of what does not match it is said what to change', () => {
  const sae = saeAt('resid_post:0', 'a');
  expect(() => startOfEach([planAt('resid_post:0')], [sae, saeAt('resid_post:0', 'b')])).toThrow(
    /two SAEs of that hook to start from: "a" and "b"; expected one\. Leave one of them out/,
  );
  expect(() => startOfEach([planAt('resid_post:0'), planAt('resid_post:2')], [sae])).toThrow(
    /at resid_post:2: found no SAE of that hook.*--hooks "resid_post:0"/,
  );
  expect(() => startOfEach([planAt('resid_post:2')], [sae])).toThrow(
    /SAE "a".*found one of resid_post:0; expected one of resid_post:2/,
  );
});
