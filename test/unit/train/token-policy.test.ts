import { expect, test } from 'vitest';
import { applyPolicy, keepsAll, medianNorm, type TokenPolicy } from '../../../runner/train/token-policy.ts';
import { gaussians } from './support.ts';

const d = 3;
const shape = { tokens: 8, rowTokens: 4 };
const policy: TokenPolicy = { dropFirst: 0, highNorm: 'keep', highNormFactor: 10 };
/** Eight tokens of norm 1 at two hooks, but token 4 of norm 50 at the first and token 6 of norm 11 at the second. */
function pass(): Map<string, Float32Array> {
  const row = (at: Record<number, number>): Float32Array =>
    Float32Array.from({ length: 8 * d }, (_, i) => (i % d === 0 ? (at[i / d] ?? 1) : 0));
  return new Map([
    ['L2', row({ 4: 50 })],
    ['L5', row({ 6: 11 })],
  ]);
}
const medians = new Map([
  ['L2', 1],
  ['L5', 1],
]);
const norms = (x: Float32Array): number[] =>
  Array.from({ length: 8 }, (_, t) => Math.hypot(...x.subarray(t * d, (t + 1) * d)));

test('keep changes nothing', () => {
  const x = pass();
  expect(keepsAll(policy)).toBe(true);
  expect(applyPolicy(policy, x, medians, shape)).toEqual({
    kept: Uint32Array.of(0, 1, 2, 3, 4, 5, 6, 7),
    counts: { dropped: 0, capped: 0 },
  });
  expect(x).toEqual(pass());
});

test('drop leaves a token out at all hooks when it is beyond the limit at one', () => {
  const { kept, counts } = applyPolicy({ ...policy, highNorm: 'drop' }, pass(), medians, shape);
  expect([...kept]).toEqual([0, 1, 2, 3, 5, 7]);
  expect(counts).toEqual({ dropped: 2, capped: 0 });
});

test('cap scales to the limit and no further', () => {
  const x = pass();
  const { kept, counts } = applyPolicy({ ...policy, highNorm: 'cap' }, x, medians, shape);
  expect(kept).toHaveLength(8);
  expect(counts).toEqual({ dropped: 0, capped: 2 });
  expect(norms(x.get('L2')!)).toEqual([1, 1, 1, 1, 10, 1, 1, 1]);
  expect(norms(x.get('L5')!)[6]).toBeCloseTo(10, 5);
});

test('the first tokens of every row are left out', () => {
  const { kept } = applyPolicy({ ...policy, dropFirst: 1 }, pass(), medians, shape);
  expect([...kept]).toEqual([1, 2, 3, 5, 6, 7]);
});

test('the median norm, of odd and even counts', () => {
  expect(medianNorm(Float32Array.of(3, 4, 0, 0, 1, 0, 0, 2, 0), 3)).toBe(2);
  expect(medianNorm(Float32Array.of(3, 4, 0, 1), 2)).toBe(3);
  expect(medianNorm(gaussians(3_000 * 16, 'norms'), 16)).toBeCloseTo(Math.sqrt(16), 0);
});
