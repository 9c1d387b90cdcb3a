import { expect, test } from 'vitest';
import { Graph } from '../../../runner/onnx/graph.ts';
import { float32, openHoldingSession } from '../../../runner/onnx/session.ts';
import { heldNorms } from '../../../runner/train/held-norms.ts';
import {
  applyPolicy,
  cap,
  highNorms,
  keepsAll,
  medianNorm,
  type TokenPolicy,
} from '../../../runner/train/token-policy.ts';
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
const norms = (x: Float32Array): number[] =>
  Array.from({ length: 8 }, (_, t) => Math.hypot(...x.subarray(t * d, (t + 1) * d)));

const LIMIT = 10;
const high = (x = pass()) => new Map([...x].map(([hook, each]) => [hook, highNorms(each, d, LIMIT)]));

test('keep changes nothing', () => {
  expect(keepsAll(policy)).toBe(true);
  expect(applyPolicy(policy, new Map(), shape)).toEqual({
    kept: Uint32Array.of(0, 1, 2, 3, 4, 5, 6, 7),
    capped: new Map(),
    counts: { dropped: 0, capped: 0 },
  });
});

test('norms beyond the limit are found, on the host and on a device', async () => {
  const found = high();
  expect([...found].map(([hook, each]) => [hook, each.map(({ token, norm }) => [token, norm])])).toEqual([
    ['L2', [[4, 50]]],
    ['L5', [[6, 11]]],
  ]);
  const held = heldNorms({ device: 'cpu', threads: 1 });
  const graph = new Graph();
  const x = graph.input('x', 'float32', [2, 4, d]);
  graph.output(graph.node('Mul', [x, graph.scalar(1)]), 'y', 'float32', [2, 4, d]);
  const session = await openHoldingSession(graph.program(), { device: 'cpu', threads: 1 }, ['y']);
  for (const [hook, values] of pass()) {
    const { y } = (await session.run({ x: float32(values, [2, 4, d]) })).held;
    expect(await held.beyond(y!, LIMIT)).toEqual(found.get(hook));
    // At the limit itself is within.
    const [norm] = found.get(hook)!.map((each) => each.norm) as [number];
    expect(await held.beyond(y!, norm)).toEqual([]);
    expect(await held.beyond(y!, norm - 1e-6)).toHaveLength(1);
    y!.dispose();
  }
  await session.close();
  await held.close();
});

test('drop leaves a token out at all hooks when it is beyond the limit at one', () => {
  const { kept, counts } = applyPolicy({ ...policy, highNorm: 'drop' }, high(), shape);
  expect([...kept]).toEqual([0, 1, 2, 3, 5, 7]);
  expect(counts).toEqual({ dropped: 2, capped: 0 });
});

test('cap scales to the limit and no further', () => {
  const x = pass();
  const { kept, capped, counts } = applyPolicy({ ...policy, highNorm: 'cap' }, high(x), shape);
  for (const each of capped.values()) for (const found of each) cap(found, LIMIT);
  expect(kept).toHaveLength(8);
  expect(counts).toEqual({ dropped: 0, capped: 2 });
  expect(norms(x.get('L2')!)).toEqual([1, 1, 1, 1, 10, 1, 1, 1]);
  expect(norms(x.get('L5')!)[6]).toBeCloseTo(10, 5);
});

test('the first tokens of every row are left out', () => {
  const { kept, counts } = applyPolicy({ ...policy, dropFirst: 1, highNorm: 'cap' }, high(), shape);
  expect([...kept]).toEqual([1, 2, 3, 5, 6, 7]);
  // Of the two that are beyond the limit one is left out.
  expect(counts).toEqual({ dropped: 2, capped: 1 });
});

test('the median norm, of odd and even counts', () => {
  expect(medianNorm(Float32Array.of(3, 4, 0, 0, 1, 0, 0, 2, 0), 3)).toBe(2);
  expect(medianNorm(Float32Array.of(3, 4, 0, 1), 2)).toBe(3);
  expect(medianNorm(gaussians(3_000 * 16, 'norms'), 16)).toBeCloseTo(Math.sqrt(16), 0);
});
