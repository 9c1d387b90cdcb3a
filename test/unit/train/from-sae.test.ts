import { expect, test } from 'vitest';
import { hookOf } from '../../../runner/hook.ts';
import { random } from '../../../runner/math/random.ts';
import type { JumpReluSae, Sae } from '../../../runner/sae/sae.ts';
import { architectureNames, architectureOf } from '../../../runner/train/architectures/index.ts';
import { referenceBackend } from '../../../runner/train/backends/reference.ts';
import { parametersFrom } from '../../../runner/train/from-sae.ts';
import type { Recipe } from '../../../runner/train/recipe.ts';
import { resample } from '../../../runner/train/resample.ts';
import { openTrainer, type TrainedSae } from '../../../runner/train/trainer.ts';
import { smallRecipe, sparseActivations } from './support.ts';

const d_in = 12;
const planOf = (recipe: Recipe, transcoder = false) => ({
  id: 'L1',
  hook: transcoder
    ? ({ layer: 1, site: 'mlp_out', reads: { layer: 1, site: 'mlp_in' } } as const)
    : hookOf(1),
  d_in,
  recipe,
});
const samples = new Map(
  ['L1', 'L1_mlp_in', 'L1_mlp_out'].map((label, i) => [label, sparseActivations(64, d_in, 30, i)]),
);

async function trained(
  recipe: Recipe,
  steps: number,
  from?: Parameters<typeof openTrainer>[1],
): Promise<Sae> {
  const plan = planOf(recipe, recipe.transcode !== undefined);
  const trainer = await openTrainer({ backend: referenceBackend, plans: [plan] }, from ?? { samples });
  for (let step = 0; step < steps; step++)
    await trainer.step(
      new Map([...samples.keys()].map((label, i) => [label, sparseActivations(32, d_in, 30, 9 * step + i)])),
    );
  const [{ sae }] = (await trainer.saes()) as [TrainedSae];
  await trainer.close();
  return sae;
}

test.each(
  architectureNames.flatMap((architecture) => [
    { architecture, over: { unitNormDecoder: false } },
    { architecture, over: { normalisation: 'expected_average_only_in', applyBDecToInput: false } as const },
    { architecture, over: { transcode: 'skip', applyBDecToInput: false } as const },
  ]),
)('an SAE that starts from one of $architecture ($over) is that one', async ({ architecture, over }) => {
  const recipe = smallRecipe({ architecture, dSae: 20, kAux: 2, groupFractions: [0.5, 0.5], ...over });
  const sae = await trained(recipe, 12);
  const parameters = parametersFrom(planOf(recipe, recipe.transcode !== undefined), 'it', sae);
  const threshold = 'threshold' in sae && 'k' in sae ? sae.threshold[0]! : null;
  const from = new Map([['L1', { parameters, normalisation: sae.normalisation, threshold }]]);
  expect(await trained(recipe, 0, { samples, from })).toEqual(sae);
  // Its optimiser is new: the first step of the warm-up has rate 0 and changes nothing, the next ones do.
  const further = await trained(recipe, 3, { samples, from });
  expect(further).not.toEqual(sae);
});

test('what does not fit is said with the settings that would', async () => {
  const recipe = smallRecipe({ architecture: 'jumprelu', dSae: 20, unitNormDecoder: false });
  const sae = (await trained(recipe, 12)) as JumpReluSae;
  const start = (over: Partial<Recipe>, other: Partial<JumpReluSae> = {}) =>
    parametersFrom(planOf(smallRecipe(over)), 'it', { ...sae, ...other });
  expect(() => start({ applyBDecToInput: false, kAux: 2 })).toThrow(
    /sae\.dSae 20, sae\.applyBDecToInput true, sae\.unitNormDecoder false.*--set sae\.dSae=20 --set/s,
  );
  expect(() => start({ architecture: 'gated', dSae: 20, unitNormDecoder: false })).toThrow(
    /sae\.architecture=jumprelu/,
  );
  expect(() => start({ ...recipe }, { d_in: 14 })).toThrow(/an SAE of width 14.*an SAE of width 12/s);
  expect(() => start({ ...recipe }, { d_out: 12 })).toThrow(/a transcoder of width 12/);
  const { W_enc, W_dec, b_dec, d_in, d_sae, normalisation, apply_b_dec_to_input } = sae;
  const rule = { residual_threshold: 0, max_iterations: 4, stop_on_duplicate_support: true };
  const shared = { W_enc, W_dec, b_dec, d_in, d_sae, normalisation, apply_b_dec_to_input };
  expect(() =>
    parametersFrom(planOf(recipe), 'it', { ...shared, architecture: 'matching_pursuit', ...rule }),
  ).toThrow(/found one that encodes by matching pursuit; expected one that a recipe/);
  // Of another architecture with the same tensors its weights are taken, and thresholds start anew where it has none.
  const other = start({
    architecture: 'topk',
    dSae: 20,
    kAux: 2,
    groupFractions: [0.5, 0.5],
    unitNormDecoder: false,
  });
  expect(Object.keys(other)).toEqual(['W_enc', 'W_dec', 'b_enc', 'b_dec']);
  expect(other.W_enc).toEqual(sae.W_enc);
});

test.each(architectureNames)(
  'dead latents of %s are made anew from tokens of high loss',
  async (architecture) => {
    const recipe = smallRecipe({
      architecture,
      dSae: 20,
      kAux: 2,
      groupFractions: [0.5, 0.5],
      unitNormDecoder: false,
    });
    const sae = await trained(recipe, 12);
    const plan = planOf(recipe);
    const before = parametersFrom(plan, 'it', sae);
    const parameters = parametersFrom(plan, 'it', sae);
    const tokens = 400;
    const x = sparseActivations(tokens, d_in, 30, 77);
    // Loss on every tenth token alone, on one of them far more than on the others.
    const losses = Float64Array.from({ length: tokens }, (_, t) => (t % 10 > 0 ? 0 : t === 50 ? 1e6 : 1));
    const dead = [3, 4, 11];
    expect(resample(plan, parameters, { x, y: x, losses, dead }, random('test'))).toBe(3);
    const alive = Array.from({ length: 20 }, (_, j) => j).filter((j) => !dead.includes(j));
    const column = (tensors: typeof before, j: number) =>
      Array.from({ length: d_in }, (_, i) => tensors.W_enc[i * 20 + j]!);
    const row = (tensors: typeof before, j: number) => [...tensors.W_dec.subarray(j * d_in, (j + 1) * d_in)];
    const meanNorm = (of: typeof row) => alive.reduce((sum, j) => sum + Math.hypot(...of(before, j)), 0) / 17;
    const drawn: number[] = [];
    const own = architectureOf(recipe).initialise(recipe);
    for (const j of dead) {
      expect(Math.hypot(...column(parameters, j))).toBeCloseTo(0.2 * meanNorm(column), 5);
      expect(Math.hypot(...row(parameters, j))).toBeCloseTo(meanNorm(row), 5);
      const cosine = (t: number): number => {
        const from = Array.from({ length: d_in }, (_, i) => x[t * d_in + i]! - before.b_dec[i]!);
        return (
          row(parameters, j).reduce((sum, value, i) => sum + value * from[i]!, 0) /
          (Math.hypot(...from) * Math.hypot(...row(parameters, j)))
        );
      };
      drawn.push(Array.from({ length: tokens }, (_, t) => t).find((t) => cosine(t) > 1 - 1e-6)!);
      for (const [name, values] of Object.entries(own)) expect(parameters[name]![j]).toBe(values[j]);
    }
    expect(drawn[0]).toBe(50);
    expect(new Set(drawn).size).toBe(3);
    expect(drawn.every((t) => t % 10 === 0)).toBe(true);
    for (const j of alive) {
      expect(row(parameters, j)).toEqual(row(before, j));
      expect(column(parameters, j)).toEqual(column(before, j));
    }
    // Of more dead latents than tokens with a loss the rest stay as they are.
    const few = { x, y: x, losses: losses.map((_, t) => Number(t === 7)), dead };
    expect(resample(plan, parametersFrom(plan, 'it', sae), few, random('test'))).toBe(1);
  },
);
