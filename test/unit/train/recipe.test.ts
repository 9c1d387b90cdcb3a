import { expect, test } from 'vitest';
import { recordObject } from '../../../runner/report/schema.ts';
import { architectures, ownSettings } from '../../../runner/train/architectures/index.ts';
import { commonSettings } from '../../../runner/train/common-settings.ts';
import { recipe } from '../../../runner/train/recipe.ts';

test('the defaults are the reference release’s', () => {
  expect(recipe.parse({})).toMatchObject({
    dSae: 65_536,
    k: 128,
    kAux: 2_560,
    alphaAux: 1 / 32,
    auxVariant: 'reference',
    deadThresholdTokens: 10_000_000,
    batchTokens: 2_048,
    learningRate: 2e-4,
    learningRateFloor: 6e-5,
    warmupSteps: 5_000,
    scheduleSteps: 48_828,
    gradientClip: 1,
    adamBeta1: 0.9,
    adamBeta2: 0.999,
    adamEpsilon: 1e-8,
    biasInitSamples: 16_384,
    weiszfeldIterations: 40,
  });
});

test('every field is described', () => {
  for (const [name, field] of Object.entries(recipe.shape)) {
    expect(field.description, name).toMatch(/\S{3}/);
  }
});

test.each([
  [{ dSae: 16, kAux: 8, k: 17 }, 'k'],
  [{ dSae: 16, k: 4, kAux: 17 }, 'kAux'],
  [{ learningRate: 1e-5 }, 'learningRateFloor'],
  [{ scheduleSteps: 100 }, 'warmupSteps'],
  [{ learningRate: Number.NaN }, 'learningRate'],
  [{ batchTokens: 0 }, 'batchTokens'],
  [{ auxVariant: 'other' }, 'auxVariant'],
  [{ dsae: 16 }, ''],
  [{ architecture: 'matryoshka', groupFractions: [0.5, 0.4] }, 'groupFractions'],
  [{ architecture: 'matryoshka', dSae: 16, k: 4, kAux: 4, groupFractions: [0.01, 0.99] }, 'groupFractions'],
  [{ decayStartStep: 4_999 }, 'decayStartStep'],
  [{ decoderInitNorm: 0.1 }, 'decoderInitNorm'],
])('%j is refused', (fields, path) => {
  const parsed = recipe.safeParse(fields);
  expect(parsed.error?.issues[0]?.path.join('.')).toBe(path);
});

test.each(architectures.map((each) => [each.name, each] as const))(
  '%s sweeps settings of its own, and shares a name only with its schema',
  (name, { settings, marks, parameters }) => {
    for (const [setting, schema] of Object.entries(settings)) {
      expect(ownSettings[setting as keyof typeof ownSettings], setting).toBe(schema);
      expect(setting in commonSettings, setting).toBe(false);
    }
    expect(Object.keys(marks).filter((setting) => !(setting in settings))).toEqual([]);
    expect(recordObject.shape.sae.shape.architecture.options).toContain(name);
    const shapes = parameters(recipe.parse({ architecture: name, dSae: 64, k: 3, kAux: 2 }), 5);
    expect(shapes).toMatchObject({ W_enc: [5, 64], W_dec: [64, 5], b_dec: [5] });
  },
);
