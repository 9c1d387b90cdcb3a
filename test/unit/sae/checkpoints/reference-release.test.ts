import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MalformedError, UnavailableError } from '../../../../runner/errors.ts';
import { encodeSafetensors } from '../../../../runner/formats/safetensors.ts';
import { writeAtomic } from '../../../../runner/io/write-atomic.ts';
import {
  type ReleaseCheckpoint,
  readRelease,
  releaseFiles,
  writeRelease,
} from '../../../../runner/sae/checkpoints/reference-release.ts';
import { saeSha256 } from '../../../../runner/sae/content-hash.ts';
import { type Sae, type TopKSae, topKSae } from '../../../../runner/sae/sae.ts';
import { randomSae } from '../support.ts';

const checkpoint: ReleaseCheckpoint<TopKSae> = {
  sae: randomSae(6, 10, 3),
  details: {
    k_aux: 3,
    alpha_aux: 1 / 32,
    hook_name: 'model.layers.2',
    model_name: 'someone/model',
    tokens_seen: 4_096,
    step: 2,
  },
};

const { W_enc, W_dec, b_enc, b_dec, d_in, d_sae, k } = checkpoint.sae;
const plain = {
  W_enc,
  W_dec,
  b_dec,
  d_in,
  d_sae,
  apply_b_dec_to_input: true,
  normalisation: { kind: 'none' } as const,
};
const threshold = Float32Array.from({ length: d_sae }, (_, j) => j / 8);
const batch = { ...plain, b_enc, k, threshold };

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'release-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function config(change: (config: Record<string, unknown>) => void): Promise<void> {
  const path = join(folder, releaseFiles(2).config);
  const parsed = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  change(parsed);
  await writeFile(path, JSON.stringify(parsed));
}

test('what was written is read back, under the release’s names and keys', async () => {
  expect(await writeRelease(folder, 2, checkpoint)).toEqual({
    tensors: 'sae_L2_latest.safetensors',
    config: 'sae_L2_cfg.json',
  });
  expect((await readdir(folder)).sort()).toEqual(['sae_L2_cfg.json', 'sae_L2_latest.safetensors']);
  expect(JSON.parse(await readFile(join(folder, 'sae_L2_cfg.json'), 'utf8'))).toEqual({
    architecture: 'topk',
    d_in: 6,
    d_sae: 10,
    k: 3,
    k_aux: 3,
    alpha_aux: 0.03125,
    hook_name: 'model.layers.2',
    model_name: 'someone/model',
    activation_fn_str: 'topk',
    tokens_seen: 4096,
    step: 2,
  });
  const found = await readRelease(folder, 2);
  expect(found).toEqual(checkpoint);
  expect(saeSha256(found.sae)).toBe(saeSha256(checkpoint.sae));
});

test.each<[string, Sae]>([
  [
    'BatchTopK',
    { ...batch, architecture: 'batchtopk', normalisation: { kind: 'expected_average_only_in', scale: 0.25 } },
  ],
  ['Matryoshka', { ...batch, architecture: 'matryoshka', group_sizes: [2, 3, 5] }],
  ['JumpReLU', { ...plain, b_enc, architecture: 'jumprelu', threshold, apply_b_dec_to_input: false }],
  ['ReLU', { ...plain, b_enc, architecture: 'relu' }],
  ['Gated', { ...plain, architecture: 'gated', b_gate: b_enc, b_mag: threshold, r_mag: b_enc }],
])('a %s SAE comes back as it was, with every tensor and convention', async (_, sae) => {
  const { k_aux, alpha_aux, ...details } = checkpoint.details;
  const own = 'k' in sae ? { ...details, k_aux, alpha_aux } : details;
  await writeRelease(folder, 'L2_k3', { sae, details: own });
  const found = await readRelease(folder, 'L2_k3');
  expect(found.sae).toEqual(sae);
  const path = join(folder, 'sae_L2_k3_cfg.json');
  const text = await readFile(path, 'utf8');
  await writeFile(path, text.replace(/"architecture": "\w+"/, '"architecture": "topk"'));
  await expect(readRelease(folder, 'L2_k3')).rejects.toThrow(MalformedError);
});

test('an SAE that the layout cannot express is not written', async () => {
  const sae = { ...checkpoint.sae, rescale_acts_by_decoder_norm: true };
  await expect(writeRelease(folder, 2, { ...checkpoint, sae })).rejects.toThrow(RangeError);
  const { k_aux: _, ...details } = checkpoint.details;
  await expect(writeRelease(folder, 2, { ...checkpoint, details })).rejects.toThrow('k_aux: expected');
  expect(await readdir(folder)).toEqual([]);
});

test.each<[string, (config: Record<string, unknown>) => void, RegExp]>([
  [
    'another d_sae',
    (it) => Object.assign(it, { d_sae: 11 }),
    /"W_enc" of shape \[6, 10\]; expected \[6, 11\]/,
  ],
  ['a transposed shape', (it) => Object.assign(it, { d_in: 10, d_sae: 6 }), /expected \[10, 6\]/],
  ['k beyond d_sae', (it) => Object.assign(it, { k: 11 }), /cfg\.json: found "k 11: expected at most d_sae/],
  [
    'another architecture',
    (it) => Object.assign(it, { architecture: 'standard' }),
    /found "architecture \\"standard\\": /,
  ],
  ['a key it does not know', (it) => Object.assign(it, { normalize: true }), /normalize/],
  ['a missing key', (it) => delete it.k, /found "k: /],
  [
    'a k that means nothing',
    (it) => Object.assign(it, { architecture: 'jumprelu' }),
    /found "k 3: means nothing to architecture jumprelu/,
  ],
  ['an absurd size', (it) => Object.assign(it, { d_in: 2 ** 40 }), /found "d_in 1099511627776: /],
])('a config with %s is refused', async (_, change, message) => {
  await writeRelease(folder, 2, checkpoint);
  await config(change);
  const failure = await readRelease(folder, 2).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(MalformedError);
  expect((failure as Error).message).toMatch(message);
});

test.each([
  ['text that is not JSON', '{"architecture": '],
  ['a list', '[]'],
  ['nothing', ''],
])('a config that is %s is refused', async (_, text) => {
  await writeRelease(folder, 2, checkpoint);
  await writeFile(join(folder, releaseFiles(2).config), text);
  await expect(readRelease(folder, 2)).rejects.toThrow(MalformedError);
});

test('tensors: truncated, missing, of another type, or more than there should be', async () => {
  await writeRelease(folder, 2, checkpoint);
  const path = join(folder, releaseFiles(2).tensors);
  const { sae } = checkpoint;
  await truncate(path, (await readFile(path)).byteLength - 4);
  await expect(readRelease(folder, 2)).rejects.toThrow(/cut short/);
  const tensor = (data: Float32Array, shape: number[]) => ({ dtype: 'F32', shape, data }) as const;
  const W_enc = tensor(sae.W_enc, [6, 10]);
  const W_dec = tensor(sae.W_dec, [10, 6]);
  const b_enc = tensor(sae.b_enc, [10]);
  const b_dec = tensor(sae.b_dec, [6]);
  await writeAtomic(path, encodeSafetensors({ W_enc, W_dec, b_enc }));
  await expect(readRelease(folder, 2)).rejects.toThrow(/no tensor "b_dec"/);
  await writeAtomic(path, encodeSafetensors({ W_enc, W_dec, b_enc, b_dec, threshold: b_enc }));
  await expect(readRelease(folder, 2)).rejects.toThrow(/found a tensor "threshold"/);
  const wide = { dtype: 'F64', shape: [6], data: Float64Array.from(sae.b_dec) } as const;
  await writeAtomic(path, encodeSafetensors({ W_enc, W_dec, b_enc, b_dec: wide }));
  await expect(readRelease(folder, 2)).rejects.toThrow(/b_dec of type F64/);
});

test('a missing file is told apart from a malformed one', async () => {
  await expect(readRelease(folder, 2)).rejects.toThrow(UnavailableError);
  await writeRelease(folder, 2, checkpoint);
  await rm(join(folder, releaseFiles(2).tensors));
  await expect(readRelease(folder, 2)).rejects.toThrow(UnavailableError);
});

test('nothing is left behind where the folder cannot be written', async () => {
  const blocked = join(folder, 'file');
  await writeFile(blocked, '');
  await expect(writeRelease(blocked, 2, checkpoint)).rejects.toThrow(UnavailableError);
  expect(await readdir(folder)).toEqual(['file']);
});

test('k equal to d_sae is allowed', async () => {
  const sae = topKSae({ ...checkpoint.sae, k: 10 });
  await writeRelease(folder, 0, { ...checkpoint, sae });
  expect((await readRelease(folder, 0)).sae).toMatchObject({ k: 10 });
});
