/** Evidence of latents that comes from elsewhere is read before it is shown. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MalformedError } from '../../../runner/errors.ts';
import { checkFeatures, readFeatures, writeFeatures } from '../../../runner/report/feature-files.ts';
import { type FeatureIndex, featuresVersion, shardVersion } from '../../../runner/report/features.ts';

const sha256 = 'a'.repeat(64);
const index: FeatureIndex = {
  schema: featuresVersion,
  sha256,
  d_sae: 4,
  alive: 1,
  text: { name: 'text', split: 'held out', rows: 1, row_tokens: 4, documents: 1 },
  contexts: { top: 1, sampled: 0, before: 1, after: 1 },
  budget: 1_000,
  companion_tokens: 4,
  no_directions: null,
  columns: {
    latent: [2],
    choice: ['all'],
    rate: [0.5],
    low: [0.4],
    high: [0.6],
    mean: [1],
    max: [2],
    nearest: [null],
    norm: [1],
    peaks: [[7]],
  },
  tokens: { '7': ' word' },
};
const shard = {
  schema: shardVersion,
  sha256,
  features: [
    {
      latent: 2,
      histogram: { first: 0, counts: [1] },
      contexts: [{ kind: 'top', row: 0, start: 1, peak: 0, ids: [7], values: [2] }],
      raised: null,
      lowered: null,
      neighbours: null,
      companions: [],
    },
  ],
};
type Shard = typeof shard;
const feature = (change: object): Shard => ({
  ...shard,
  features: [{ ...shard.features[0]!, ...change } as Shard['features'][number]],
});
const context = (change: object): Shard =>
  feature({ contexts: [{ ...shard.features[0]!.contexts[0]!, ...change }] });

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-evidence-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const texts = { 'index.json': JSON.stringify(index), '0.json': JSON.stringify(shard) };

it('evidence is written, found again, and leaves with its record', async () => {
  const all = new Map([['mine-l0', texts]]);
  expect(await writeFeatures(folder, all)).toBe(true);
  expect(await writeFeatures(folder, all)).toBe(false);
  expect(await readFeatures(folder)).toEqual(all);
  expect(await writeFeatures(folder, new Map())).toBe(true);
  expect(await readdir(folder)).toEqual([]);
});

describe('evidence is refused', () => {
  it.each<[string, string, unknown]>([
    ['of another version', 'index.json', { ...index, schema: 'interpboard/features-9' }],
    ['with a field that is none of its', 'index.json', { ...index, script: 'x' }],
    ['with columns of two lengths', 'index.json', { ...index, columns: { ...index.columns, rate: [] } }],
    ['with a latent below 0', 'index.json', { ...index, columns: { ...index.columns, latent: [-1] } }],
    ['with a token that is no number', 'index.json', { ...index, tokens: { __proto_: 'x' } }],
    ['with a text without end', 'index.json', { ...index, tokens: { '7': 'x'.repeat(1_001) } }],
    ['with tokens that have no values', '0.json', context({ values: [] })],
    ['with values that are none', '0.json', context({ values: [null] })],
    [
      'with more latents than a shard has',
      '0.json',
      { ...shard, features: Array(65).fill(shard.features[0]) },
    ],
    [
      'with a histogram without end',
      '0.json',
      feature({ histogram: { first: 0, counts: Array(401).fill(1) } }),
    ],
    ['that is an index in a shard’s place', '0.json', index],
  ])('%s', (_, name, value) => {
    expect(() => checkFeatures(name, JSON.stringify(value), `there/${name}`)).toThrow(MalformedError);
    expect(() => checkFeatures(name, JSON.stringify(value), `there/${name}`)).toThrow(`there/${name}`);
  });

  it('that is no JSON, before anything is written', async () => {
    const written = writeFeatures(folder, new Map([['mine-l0', { '0.json': '{' }]]));
    await expect(written).rejects.toThrow(MalformedError);
    expect(await readdir(folder)).toEqual([]);
  });

  it('where it lies in a run’s folder', async () => {
    await mkdir(join(folder, 'mine-l0'));
    await writeFile(join(folder, 'mine-l0', 'index.json'), JSON.stringify({ ...index, alive: 'many' }));
    await expect(readFeatures(folder)).rejects.toThrow(MalformedError);
  });
});
