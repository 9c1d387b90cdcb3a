import { expect, test } from 'vitest';
import { saeSha256 } from '../../../runner/sae/content-hash.ts';
import { type Sae, topKSae } from '../../../runner/sae/sae.ts';
import { randomSae } from './support.ts';

test('tensors and k must fit the sizes', () => {
  const sae = randomSae(4, 9, 2);
  expect(() => topKSae({ ...sae, b_enc: new Float32Array(8) })).toThrow('b_enc: 8 values, expected 9');
  expect(() => topKSae({ ...sae, k: 10 })).toThrow('expected 1..9');
  expect(() => topKSae({ ...sae, k: 0 })).toThrow(RangeError);
});

test('the hash follows the tensors and what they are encoded with', () => {
  const sae = randomSae(4, 9, 2);
  const hash = saeSha256(sae);
  expect(hash).toMatch(/^[0-9a-f]{64}$/);
  // The same bytes at another place in memory.
  const moved = new Float32Array(40).subarray(3, 39);
  moved.set(sae.W_enc);
  expect(saeSha256({ ...sae, W_enc: moved })).toBe(hash);
  const W_dec = sae.W_dec.slice();
  W_dec[35] = -W_dec[35]!;
  expect(saeSha256({ ...sae, W_dec })).not.toBe(hash);
  // Equal bytes under another shape are another SAE.
  const { W_enc, b_enc, b_dec } = sae;
  const turned = topKSae({ d_in: 9, d_sae: 4, k: 2, W_enc, W_dec: sae.W_dec, b_enc: b_dec, b_dec: b_enc });
  expect(saeSha256(turned)).not.toBe(hash);
  const others: Sae[] = [
    { ...sae, k: 3 },
    { ...sae, rescale_acts_by_decoder_norm: true },
    { ...sae, apply_b_dec_to_input: false },
    { ...sae, normalisation: { kind: 'layer_norm' } },
    { ...sae, normalisation: { kind: 'expected_average_only_in', scale: 2 } },
    { ...sae, normalisation: { kind: 'expected_average_only_in', scale: 3 } },
    { ...sae, apply_b_dec_to_input: false, d_out: 4 },
    { ...sae, architecture: 'groupmax', k: 3 },
    { ...sae, architecture: 'relu' },
  ];
  expect(new Set([hash, ...others.map(saeSha256)]).size).toBe(1 + others.length);
});

test('of matching pursuit every setting is in the hash', () => {
  const { d_in, d_sae, W_enc, W_dec, b_dec, normalisation } = randomSae(4, 9, 2);
  const shared = { d_in, d_sae, W_enc, W_dec, b_dec, normalisation, apply_b_dec_to_input: true } as const;
  const settings = { residual_threshold: 0.01, max_iterations: 4, stop_on_duplicate_support: true };
  const hash = (other: Partial<typeof settings>): string =>
    saeSha256({ ...shared, architecture: 'matching_pursuit', ...settings, ...other });
  const hashes = [
    hash({}),
    hash({ residual_threshold: 0.1 }),
    hash({ max_iterations: 2 }),
    hash({ stop_on_duplicate_support: false }),
  ];
  expect(new Set(hashes).size).toBe(hashes.length);
});

test('an SAE that was trained as BatchTopK or Matryoshka is the same as one with its thresholds', () => {
  const sae = randomSae(4, 9, 2);
  const threshold = new Float32Array(9).fill(0.5);
  const hashes = [
    saeSha256({ ...sae, architecture: 'jumprelu', threshold }),
    saeSha256({ ...sae, architecture: 'batchtopk', threshold }),
    saeSha256({ ...sae, architecture: 'matryoshka', threshold, group_sizes: [4, 5] }),
  ];
  expect(new Set(hashes).size).toBe(1);
});
