import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MalformedError } from '../../../runner/errors.ts';
import { torchRandn } from '../../../runner/math/torch-random.ts';
import { orthogonalise } from '../../../runner/synthetic/dictionary.ts';
import { generate, generated } from '../../../runner/synthetic/generate.ts';
import { readConfig, readSynthetic, type SyntheticParts } from '../../../runner/synthetic/layout.ts';
import { sampleBatch, syntheticModel } from '../../../runner/synthetic/model.ts';
import { firingProbabilities } from '../../../runner/synthetic/per-feature.ts';
import { activationsOf } from '../../../runner/synthetic/samples.ts';
import { compensated } from '../../../runner/synthetic/tree.ts';
import { expected, fixture } from './fixture.ts';

const saved = `${fixture}model`;
const D = 16;
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'synthetic-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const largestDifference = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);

describe('a synthetic model that SAELens saved', () => {
  it('has the magnitudes that SAELens makes of its seed', async () => {
    const parts = await readSynthetic(saved);
    expect(largestDifference(parts.means, expected.means)).toBeLessThan(1e-6);
    expect(largestDifference(parts.deviations, expected.deviations)).toBeLessThan(1e-6);
  });

  it('has the probabilities that its trees ask for', async () => {
    const config = await readConfig(join(saved, 'synthetic_model_config.json'));
    const { forest, firing } = await readSynthetic(saved);
    const base = firingProbabilities(config);
    expect(largestDifference(base, expected.base)).toBeLessThan(1e-7);
    expect(largestDifference(compensated(base, forest!), expected.compensated)).toBeLessThan(1e-6);
    expect(largestDifference(firing, expected.compensated)).toBe(0);
  });

  it('fires as often, as strongly and in the same pairs as in SAELens', async () => {
    const parts = await readSynthetic(saved);
    compare(parts, 40_000);
  });

  it('gives equal samples for equal numbers, whatever stands beside them', async () => {
    const model = syntheticModel(await readSynthetic(saved));
    const [x] = await model.residuals(sampleBatch('a', 0, 4, 8));
    const [later] = await model.residuals(sampleBatch('a', 2, 1, 8));
    expect(later).toEqual(x!.subarray(16 * D, 24 * D));
    const [other] = await model.residuals(sampleBatch('b', 0, 4, 8));
    expect(other).not.toEqual(x);
  });

  it('is refused where a feature stands in two places, or a number is none', async () => {
    const broken = join(folder, 'broken');
    await cp(saved, broken, { recursive: true });
    const tree = join(broken, 'hierarchy.json');
    await writeFile(
      tree,
      (await readFile(tree, 'utf8')).replace('"feature_index": 1,', '"feature_index": 0,'),
    );
    await expect(readSynthetic(broken)).rejects.toThrow(/feature 0 twice/);
    await writeFile(join(broken, 'synthetic_model_config.json'), '{"num_features": 1e9}');
    await expect(readSynthetic(broken)).rejects.toThrow(MalformedError);
  });
});

/** Rates, mean magnitudes and pairs against many samples of SAELens, each within five standard errors. */
function compare(parts: SyntheticParts, count: number): void {
  const { features } = parts;
  const found = syntheticModel(parts).features(sampleBatch('moments', 0, 1, count));
  const fired = new Float64Array(features);
  const sums = new Float64Array(features);
  const pairs = new Float64Array(features * features);
  for (let t = 0; t < count; t++) {
    for (let a = found.starts[t]!; a < found.starts[t + 1]!; a++) {
      fired[found.indices[a]!]!++;
      sums[found.indices[a]!]! += found.values[a]!;
      for (let b = found.starts[t]!; b < found.starts[t + 1]!; b++)
        pairs[found.indices[a]! * features + found.indices[b]!]!++;
    }
  }
  const { samples, ...many } = expected.many;
  const near = (here: number, there: number, what: string): void => {
    const rate = (here + there) / (count + samples);
    const error = Math.sqrt(Math.max(1 / samples, rate * (1 - rate)) * (1 / count + 1 / samples));
    expect(Math.abs(here / count - there / samples) / error, what).toBeLessThan(5);
  };
  for (let i = 0; i < features; i++) {
    near(fired[i]!, many.fired[i]!, `rate of ${i}`);
    const size = sums[i]! / fired[i]! - many.sums[i]! / many.fired[i]!;
    expect(Math.abs(size), `size of ${i}`).toBeLessThan(8 * Math.sqrt(1 / fired[i]!));
    for (let j = 0; j < i; j++) near(pairs[i * features + j]!, many.pairs[i]![j]!, `pair ${i}, ${j}`);
  }
}

describe('a synthetic model made here', () => {
  it('has vectors turned apart as SAELens turns them', async () => {
    const { shape, steps, rate, start, end } = JSON.parse(
      await readFile(`${fixture}orthogonal.json`, 'utf8'),
    ) as { shape: [number, number]; steps: number; rate: number; start: number[]; end: number[] };
    const vectors = Float32Array.from(start);
    orthogonalise(vectors, shape[1], { steps, rate });
    expect(largestDifference(vectors, end)).toBeLessThan(1e-5);
  });

  it('is one that its own reader reads, the same each time', async () => {
    const config = await readConfig(join(saved, 'synthetic_model_config.json'));
    const { tensors } = generate(config);
    const made = await generated(join(saved, 'synthetic_model_config.json'), folder, () => undefined);
    const parts = await readSynthetic(made);
    expect(parts.vectors).toEqual(tensors.feature_vectors!.data);
    const wanted = compensated(firingProbabilities(config), parts.forest!);
    expect(largestDifference(parts.firing, wanted)).toBeLessThan(1e-7);
    const again = await generated(join(saved, 'synthetic_model_config.json'), folder, () => {
      throw new Error('made twice');
    });
    expect(again).toBe(made);
  });

  it('of exclusive siblings fires one, with its own children alone, wherever parents are numbered', () => {
    const [parent, group] = [new Int32Array(16).fill(-1), new Int32Array(16).fill(-1)];
    const depth = new Int32Array(16).fill(-1);
    // 9 above 1 and 2, of which one fires; 3 below 1, 4 below 2.
    const tree = [
      [9, -1, 0],
      [1, 9, 1],
      [2, 9, 1],
      [3, 1, 2],
      [4, 2, 2],
    ] as const;
    for (const [feature, above, level] of tree) {
      parent[feature] = above;
      depth[feature] = level;
    }
    group[1] = 0;
    group[2] = 0;
    const firing = new Float32Array(16);
    for (const [feature] of tree) firing[feature] = 1;
    const parts: SyntheticParts = {
      features: 16,
      d: 1,
      vectors: new Float32Array(16),
      bias: new Float32Array(1),
      firing,
      means: new Float32Array(16).fill(1),
      deviations: new Float32Array(16),
      correlation: null,
      forest: { parent, depth, group, scaled: new Uint8Array(16) },
      notes: [],
    };
    const { starts, indices } = syntheticModel(parts).features(sampleBatch('siblings', 0, 1, 40));
    const seen = new Set(
      Array.from({ length: 40 }, (_, t) => indices.slice(starts[t]!, starts[t + 1]!).join()),
    );
    expect([...seen].sort()).toEqual(['1,3,9', '2,4,9']);
  });

  it('adds up features to activations', () => {
    const parts: SyntheticParts = {
      features: 16,
      d: 2,
      vectors: Float32Array.from({ length: 32 }, (_, i) => i),
      bias: Float32Array.of(0.5, 0),
      firing: new Float32Array(16),
      means: new Float32Array(16),
      deviations: new Float32Array(16),
      correlation: null,
      forest: null,
      notes: [],
    };
    const found = {
      starts: Int32Array.of(0, 2, 2),
      indices: Int32Array.of(1, 2),
      values: Float32Array.of(1, 2),
    };
    expect([...activationsOf(parts, found)]).toEqual([10.5, 13, 0.5, 0]);
  });
});

describe("torch's normal numbers", () => {
  it('are those of torch.randn(20, generator=torch.Generator().manual_seed(43))', () => {
    const torch = [-0.0166036, -0.4667949, 2.0908976, 0.6149029, 0.3082679, -0.294669, -0.766227, -0.9961579];
    expect(largestDifference(torchRandn(20, 43).subarray(0, 8), torch)).toBeLessThan(1e-6);
    expect(torchRandn(20, 43)[19]).toBeCloseTo(1.0282015, 6);
  });
});
