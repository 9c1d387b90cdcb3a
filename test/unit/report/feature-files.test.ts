/** Evidence of latents that comes from elsewhere is read before it is shown. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MalformedError } from '../../../runner/errors.ts';
import { checkFeatures, readFeatures, writeFeatures } from '../../../runner/report/feature-files.ts';
import { madeFeature, madeIndex, madeShard } from './made-evidence.ts';

const index = madeIndex({ latent: [2], peaks: [[7]] }, { tokens: { '7': ' word' } });
const shown = madeFeature({
  latent: 2,
  contexts: [{ kind: 'top', row: 0, start: 1, peak: 0, ids: [7], values: [2] }],
});
const shard = madeShard([shown]);
/** The shard with something else in a feature, or in its context, right or wrong. */
const feature = (change: object): object => ({ ...shard, features: [{ ...shown, ...change }] });
const context = (change: object): object => feature({ contexts: [{ ...shown.contexts[0], ...change }] });

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
