/** From gathered evidence to the files of a page: which latents are shown, and what the files may take. */
import { describe, expect, it, test } from 'vitest';
import { random } from '../../../runner/math/random.ts';
import { AblationEffects } from '../../../runner/metrics/ablation-effect.ts';
import { FiringTogether } from '../../../runner/metrics/firing-together.ts';
import { LatentEvidence } from '../../../runner/metrics/latent-evidence.ts';
import { checkFeatures } from '../../../runner/report/feature-files.ts';
import { shardOf } from '../../../runner/report/feature-places.ts';
import { type FeatureIndex, featureIndex, featureShard } from '../../../runner/report/features.ts';
import { nearestRows } from '../../../runner/sae/nearest-rows.ts';
import { chosenLatents } from '../../../runner/suites/features/choose.ts';
import { evidenceFiles } from '../../../runner/suites/features/files.ts';
import type { ScoredSae } from '../../../runner/suites/suite.ts';

const [D, D_SAE, ROWS, TOKENS, K, VOCABULARY] = [16, 300, 40, 32, 8, 50];
const stream = random('features files');
const ids = Int32Array.from({ length: ROWS * TOKENS }, () => stream.integer(VOCABULARY));
const encoded = {
  ids,
  rows: ROWS,
  tokens: TOKENS,
  documents: Int32Array.from({ length: ROWS }, (_, row) => Math.floor(row / 2)),
  k: K,
  // The latents of a token differ; the last fifty never fire.
  indices: Int32Array.from(
    { length: ROWS * TOKENS * K },
    (_, i) => (i * 7 + Math.floor(i / K)) % (D_SAE - 50),
  ),
  values: Float32Array.from({ length: ROWS * TOKENS * K }, () => 0.5 + stream.next()),
};
const rows = Float32Array.from({ length: D_SAE * D }, () => stream.gaussian());

async function made(
  budget: number,
  directions: Float32Array | null = rows,
  { effects = new AblationEffects(), uses = [] as ScoredSae['uses'] } = {},
) {
  const settings = { budget, top: 4, sampled: 3, before: 5, after: 3 };
  const evidence = new LatentEvidence({ d_sae: D_SAE, ...settings, seed: 2 });
  const together = new FiringTogether(500);
  evidence.add(encoded);
  evidence.end();
  together.add(encoded, ROWS * TOKENS);
  const { files, chosen } = await evidenceFiles({
    evidence,
    together,
    ablated: { effects, sampled: { latents: effects.latents().length, rows: 1 } },
    uses,
    decoder:
      directions === null
        ? { rows: null, reason: 'of another kind' }
        : {
            rows: {
              d_sae: D_SAE,
              d: D,
              block: async (from, to) => directions.subarray(from * D, to * D),
            },
          },
    text: {
      name: 'text',
      split: 'held out',
      rows: ROWS,
      rowTokens: TOKENS,
      row: (row) => ids.subarray(row * TOKENS, (row + 1) * TOKENS),
    },
    settings,
    seed: 2,
    sha256: 'a'.repeat(64),
    tokenizer: {
      decode: (some) => some.map((id) => ` ${id}`).join(''),
      size: VOCABULARY,
      special: new Set(),
    },
    nearestRows: (decoder, latents, most, picked) => nearestRows(decoder, latents, most, { picked }),
    logitEffects: async (asked, most) =>
      Array.from({ length: asked.length / D }, (_, i) => {
        const end = {
          ids: Int32Array.from({ length: most }, (_, j) => j),
          values: new Float32Array(most).fill(i),
        };
        return { raised: end, lowered: end };
      }),
  });
  for (const [name, text] of Object.entries(files)) checkFeatures(name, text, name);
  const index: FeatureIndex = featureIndex.parse(JSON.parse(files['index.json']!));
  const shards = Object.entries(files)
    .filter(([name]) => name !== 'index.json')
    .map(([name, text]) => ({
      name,
      shard: featureShard.parse(JSON.parse(text)),
      bytes: Buffer.byteLength(text),
    }));
  return { index, shards, chosen };
}

test('all latents that fired, each in the shard of its place, where the budget holds them', async () => {
  const { index, shards, chosen } = await made(4_000_000);
  expect(index).toMatchObject({ d_sae: D_SAE, alive: 250, companion_tokens: 500, no_directions: null });
  expect(index.text).toMatchObject({ rows: ROWS, documents: ROWS / 2 });
  expect([...chosen]).toEqual([['all', 250]]);
  for (const [place, latent] of index.columns.latent.entries()) {
    const { shard } = shards.find(({ name }) => name === shardOf(place))!;
    const feature = shard.features.find((each) => each.latent === latent)!;
    expect(feature.contexts.filter(({ kind }) => kind === 'top')).toHaveLength(4);
    for (const { row, start, peak, ids: shown, values } of feature.contexts) {
      expect(shown).toEqual([...ids.subarray(row * TOKENS + start, row * TOKENS + start + shown.length)]);
      expect(values[peak]).toBe(Math.max(...values));
    }
    expect(index.columns.low[place]!).toBeLessThan(index.columns.rate[place]!);
    expect(index.columns.high[place]!).toBeGreaterThan(index.columns.rate[place]!);
  }
});

test('a budget holds: the shards take no more, and the latents are of three kinds', async () => {
  const budget = 100_000;
  const { index, shards, chosen } = await made(budget);
  expect(shards.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(budget);
  expect([...chosen.keys()].sort()).toEqual(['dense', 'isolated', 'random']);
  expect(index.columns.latent.length).toBeLessThan(index.alive);
  // Less would be shown than there is room for, were the estimate far off.
  expect(shards.reduce((sum, { bytes }) => sum + bytes, 0)).toBeGreaterThan(budget / 3);
});

test('an SAE without directions has no effects and no neighbours, and says why', async () => {
  const { index, shards } = await made(4_000_000, null);
  expect(index.no_directions).toBe('of another kind');
  expect(index.columns.norm[0]).toBeNull();
  expect(shards[0]!.shard.features[0]).toMatchObject({ raised: null, lowered: null, neighbours: null });
});

test('latents that were taken out or used by suites are among those shown, with what was found', async () => {
  const effects = new AblationEffects();
  const losses = (...values: number[]): Float32Array => Float32Array.from(values);
  effects.add({
    document: 0,
    latent: 11,
    positions: [0, 2],
    clean: losses(1, 9, 1, 0),
    without: losses(2, 0, 3, 0),
  });
  const uses = [
    { suite: 'k-sparse', concept: 'topic: sea', latents: [[21, -2.34567] as const, [22, 1] as const] },
    { suite: 'interpscore', concept: 'toxicity', latents: [[23, 3] as const] },
  ];
  const { index, shards, chosen } = await made(100_000, rows, { effects, uses });
  const { latent, choice, effect } = index.columns;
  const used = latent.filter((_, place) => choice[place] === 'used');
  expect(used).toEqual([11, 21, 22, 23]);
  expect([...chosen.keys()].sort()).toEqual(['dense', 'isolated', 'random', 'used']);
  expect(effect![latent.indexOf(11)]).toBe(1.5);
  expect(effect![latent.indexOf(21)]).toBeNull();
  expect(index.uses).toEqual([
    {
      suite: 'k-sparse',
      concept: 'topic: sea',
      latents: [
        [21, -2.35],
        [22, 1],
      ],
    },
    { suite: 'interpscore', concept: 'toxicity', latents: [[23, 3]] },
  ]);
  const features = shards.flatMap(({ shard }) => shard.features);
  expect(features.find((each) => each.latent === 11)!.ablation).toEqual({
    mean: 1.5,
    low: null,
    high: null,
    tokens: 2,
    rows: 1,
    documents: 1,
  });
  expect(features.find((each) => each.latent === 21)).not.toHaveProperty('ablation');
});

describe('latents are chosen', () => {
  const candidates = Array.from({ length: 100 }, (_, latent) => ({ latent, rate: latent / 1_000 }));
  const asked: (readonly number[])[] = [];
  const nearest = async (latents: readonly number[]) => {
    asked.push(latents);
    return latents.map((latent) => (latent % 2 === 0 ? 1 - latent / 200 : null));
  };
  const chosenOf = async (most: number, seed: number, used: number[] = []) => {
    asked.length = 0;
    const chosen = [...(await chosenLatents(candidates, most, seed, used, nearest))];
    return { chosen, of: (kind: string) => chosen.flatMap(([latent, as]) => (as === kind ? [latent] : [])) };
  };

  it('all of them where they fit, by number', async () => {
    const { chosen } = await chosenOf(100, 1);
    expect(chosen).toEqual(candidates.map(({ latent }) => [latent, 'all']));
    expect(asked).toEqual([candidates.map(({ latent }) => latent)]);
  });

  it('those that suites used first, half of the room at most, whether they are dense or not', async () => {
    const { chosen, of } = await chosenOf(8, 1, [50, 3, 200, 99, 4, 5, 6]);
    expect(of('used')).toEqual([3, 4, 50, 99]);
    expect(of('dense')).toEqual([98]);
    expect(chosen).toHaveLength(8);
  });

  it('a quarter the densest, a quarter the most isolated of a random sample, the rest its first, by seed', async () => {
    const { of } = await chosenOf(12, 1);
    expect(of('dense')).toEqual([97, 98, 99]);
    // Neighbours were asked for once: of the densest, and of twice as many as there was still room for.
    expect(asked.map((each) => each.length)).toEqual([3 + 18]);
    const pool = asked[0]!.slice(3);
    const even = pool.filter((latent) => latent % 2 === 0).sort((a, b) => b - a);
    expect(of('isolated')).toEqual(even.slice(0, 3).reverse());
    const others = pool.filter((latent) => !even.slice(0, 3).includes(latent));
    expect(of('random')).toEqual(others.slice(0, 6).sort((a, b) => a - b));
    expect(of('random')).not.toEqual((await chosenOf(12, 2)).of('random'));
  });
});
