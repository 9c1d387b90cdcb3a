import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadSae } from '../../../../runner/sae/checkpoints/load.ts';
import { SAE_LENS_VERSION, writeSaeLens } from '../../../../runner/sae/checkpoints/sae-lens-export.ts';
import * as reference from '../../../../runner/sae/reference.ts';
import { checkedSae, type Sae, topKSae } from '../../../../runner/sae/sae.ts';
import { draw, exportedSaes, exportMetadata } from '../../../fixtures/sae/exported-cases.ts';
import checked from '../../../fixtures/sae/exports-checked.json' with { type: 'json' };
import { randomSae, relativeDifference } from '../support.ts';

const saes = exportedSaes();
const results: Record<string, (typeof checked.cases)['relu']> = checked.cases;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'export-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('the record is of every case, within its limit, by the version that is written', () => {
  expect(Object.keys(results).sort()).toEqual([...saes.keys()].sort());
  expect(checked.versions.sae_lens).toBe(SAE_LENS_VERSION);
  for (const { latents, reconstruction } of Object.values(results)) {
    expect(Math.max(latents, reconstruction)).toBeLessThanOrEqual(1e-5);
  }
});

test.each([...saes.keys()])('%s is written byte for byte as SAELens was seen to load it', async (name) => {
  const target = join(folder, name);
  await writeSaeLens(target, saes.get(name)!, exportMetadata);
  for (const [file, sha256] of Object.entries(results[name]!.sha256)) {
    const bytes = await readFile(join(target, file));
    expect(`${file} ${createHash('sha256').update(bytes).digest('hex')}`).toBe(`${file} ${sha256}`);
  }
});

test.each([
  'relu-layer-norm',
  'topk-rescale',
  'jumprelu-plain-input',
  'gated',
  'jumprelu-skip-transcoder',
  'matching-pursuit',
])('%s comes back as it was written', async (name) => {
  const { sae, details, conversions } = await loadSae(join(folder, name));
  expect(sae).toEqual(saes.get(name));
  expect(details).toEqual({
    model_name: 'tiny',
    hook_name: 'blocks.2.hook_resid_post',
    ...(sae.d_out === undefined ? {} : { hook_name_out: null }),
  });
  expect(conversions).toEqual([]);
});

test('matching pursuit with a scalar: folded, the reconstructions stay, and latents are over the scalar', async () => {
  const normalisation = { kind: 'expected_average_only_in', scale: 0.375 } as const;
  const sae = checkedSae({ ...saes.get('matching-pursuit')!, normalisation } as Sae);
  await writeSaeLens(join(folder, 'folded'), sae, exportMetadata);
  const { sae: read } = await loadSae(join(folder, 'folded'));
  const x = draw(24 * sae.d_in, 'folded').map((value) => 4 * value + 0.5);
  const [before, after] = [sae, read].map((each) => reference.reconstruct(each, x, 24));
  expect(relativeDifference(after!.reconstruction, before!.reconstruction)).toBeLessThan(1e-6);
  const over = before!.values.map((value) => value / normalisation.scale);
  expect(relativeDifference(after!.values, over)).toBeLessThan(1e-6);
});

test('what SAELens has no architecture for is not written', async () => {
  const sae = topKSae({ ...randomSae(4, 9, 2), apply_b_dec_to_input: false, d_out: 4 });
  await expect(writeSaeLens(join(folder, 'none'), sae, exportMetadata)).rejects.toThrow('a topk transcoder');
});
