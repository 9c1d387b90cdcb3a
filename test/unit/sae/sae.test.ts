import { expect, test } from 'vitest';
import { tensorsSha256, topKSae } from '../../../runner/sae/sae.ts';
import { randomSae } from './support.ts';

test('tensors and k must fit the sizes', () => {
  const sae = randomSae(4, 9, 2);
  expect(() => topKSae({ ...sae, b_enc: new Float32Array(8) })).toThrow('b_enc: 8 values, expected 9');
  expect(() => topKSae({ ...sae, k: 10 })).toThrow('expected 1..9');
  expect(() => topKSae({ ...sae, k: 0 })).toThrow(RangeError);
});

test('the hash follows the tensors and nothing else', () => {
  const sae = randomSae(4, 9, 2);
  const hash = tensorsSha256(sae);
  expect(hash).toMatch(/^[0-9a-f]{64}$/);
  // The same bytes at another place in memory, and another k.
  const moved = new Float32Array(40).subarray(3, 39);
  moved.set(sae.W_enc);
  expect(tensorsSha256({ ...sae, W_enc: moved, k: 3 })).toBe(hash);
  const W_dec = sae.W_dec.slice();
  W_dec[35] = -W_dec[35]!;
  expect(tensorsSha256({ ...sae, W_dec })).not.toBe(hash);
  // Equal bytes under another shape are another SAE.
  const { W_enc, b_enc, b_dec } = sae;
  const turned = topKSae({ d_in: 9, d_sae: 4, k: 2, W_enc, W_dec: sae.W_dec, b_enc: b_dec, b_dec: b_enc });
  expect(tensorsSha256(turned)).not.toBe(hash);
});
