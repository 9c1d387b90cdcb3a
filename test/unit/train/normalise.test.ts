import { expect, test } from 'vitest';
import { encode } from '../../../runner/sae/reference.ts';
import { estimateNormalisation, normalise } from '../../../runner/train/normalise.ts';
import { randomSae } from '../sae/support.ts';
import { gaussians, relativeDifference } from './support.ts';

const [d, tokens] = [12, 9];
const x = gaussians(tokens * d, 'x').map((value, i) => 3 * value + (i % d));

test.each(['none', 'expected_average_only_in', 'constant_norm_rescale', 'layer_norm'] as const)(
  'an SAE trained on %s inputs encodes raw ones the same',
  (kind) => {
    const normalisation = estimateNormalisation(kind, x, d);
    const plain = randomSae(d, 20, 4);
    const inputs = normalise(normalisation, x, d);
    const expected = encode(plain, inputs, tokens);
    const found = encode({ ...plain, normalisation }, x, tokens);
    expect(found.indices).toEqual(expected.indices);
    expect(relativeDifference(found.values, expected.values)).toBeLessThan(1e-6);
  },
);

test('the one scale of all tokens makes the mean norm √d', () => {
  const normalisation = estimateNormalisation('expected_average_only_in', x, d);
  const scaled = normalise(normalisation, x, d);
  let norms = 0;
  for (let t = 0; t < tokens; t++) norms += Math.hypot(...scaled.subarray(t * d, (t + 1) * d)) / tokens;
  expect(norms).toBeCloseTo(Math.sqrt(d), 5);
});

test('each token by itself: norm √d, or mean 0 and deviation 1', () => {
  const rescaled = normalise({ kind: 'constant_norm_rescale' }, x, d);
  const centred = normalise({ kind: 'layer_norm' }, x, d);
  for (let t = 0; t < tokens; t++) {
    expect(Math.hypot(...rescaled.subarray(t * d, (t + 1) * d))).toBeCloseTo(Math.sqrt(d), 5);
    const row = centred.subarray(t * d, (t + 1) * d);
    expect(row.reduce((sum, value) => sum + value, 0)).toBeCloseTo(0, 5);
    expect(row.reduce((sum, value) => sum + value ** 2, 0) / (d - 1)).toBeCloseTo(1, 4);
  }
});
