/** Every setting of an architecture acts in each architecture that has it: another value trains another SAE. */
import { describe, expect, it } from 'vitest';
import { hookOf } from '../../../runner/hook.ts';
import { architectures, type OwnSetting, ownSettings } from '../../../runner/train/architectures/index.ts';
import { referenceBackend } from '../../../runner/train/backends/reference.ts';
import type { Recipe } from '../../../runner/train/recipe.ts';
import { openTrainer } from '../../../runner/train/trainer.ts';
import { smallRecipe, sparseActivations } from './support.ts';

const WIDTH = 20;
const STEPS = 12;

/** Another value of each setting, beside what the small recipe or the base of its architecture has. */
const other: Readonly<Record<OwnSetting, unknown>> = {
  k: 8,
  kAux: 12,
  alphaAux: 2,
  auxVariant: 'scaled',
  deadCounting: 'with-step',
  thresholdDecay: 0.1,
  groupFractions: [0.25, 0.75],
  sparsityLoss: 'l0-target-token',
  l0Target: 12,
  bandwidth: 1,
  initialThreshold: 0.5,
  sparsityPenalty: 1,
  sparsityWarmupSteps: 2,
  auxDecoder: 'frozen',
  sparsityNorm: 'lp',
  sparsityP: 0.9,
  sparsityPEnd: 0.6,
  annealStartStep: 3,
  annealEndStep: 6,
  annealUpdates: 3,
  annealQueue: 1,
};

/** Thresholds that many latents are near; two latents fire at a time, so that most are soon dead. */
const bases: Readonly<Record<Recipe['architecture'], Partial<Recipe>>> = {
  topk: { k: 2 },
  batchtopk: { k: 2 },
  matryoshka: { k: 2, groupFractions: [0.5, 0.5] },
  jumprelu: {
    initialThreshold: 0.3,
    bandwidth: 0.4,
    sparsityPenalty: 0.1,
    l0Target: 3,
    sparsityLoss: 'l0-target',
    sparsityWarmupSteps: 8,
  },
  gated: { sparsityPenalty: 0.1, sparsityWarmupSteps: 8 },
  relu: {
    sparsityPenalty: 0.1,
    sparsityWarmupSteps: 8,
    sparsityNorm: 'powers',
    sparsityPEnd: 0.5,
    annealEndStep: 10,
    annealUpdates: 5,
  },
};

/** What is left of a training: the SAE's tensors and its threshold. */
async function trained(recipe: Recipe): Promise<string> {
  const plans = [{ id: 'L0', hook: hookOf(0), d_in: WIDTH, recipe }];
  const samples = new Map([['L0', sparseActivations(recipe.biasInitSamples, WIDTH, 30, 0)]]);
  const trainer = await openTrainer({ backend: referenceBackend, plans }, { samples });
  try {
    for (let step = 1; step <= STEPS; step++)
      await trainer.step(new Map([['L0', sparseActivations(recipe.batchTokens, WIDTH, 30, step)]]));
    const [{ sae }] = (await trainer.saes()) as [Awaited<ReturnType<typeof trainer.saes>>[number]];
    return JSON.stringify(sae, (_, value: unknown) =>
      value instanceof Float32Array ? Buffer.from(value.buffer).toString('base64') : value,
    );
  } finally {
    await trainer.close();
  }
}

describe.each(architectures.map(({ name, settings }) => ({ name, settings })))(
  '$name',
  ({ name, settings }) => {
    const base = { architecture: name, ...bases[name] };
    const before = trained(smallRecipe(base));

    it.each(Object.keys(settings) as OwnSetting[])('%s', async (setting) => {
      const changed = smallRecipe({ ...base, [setting]: other[setting] });
      expect(await trained(changed)).not.toBe(await before);
    });
  },
);

it('every setting of an architecture has another value here', () => {
  expect(Object.keys(other).sort()).toEqual(Object.keys(ownSettings).sort());
});
