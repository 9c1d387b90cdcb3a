import { describe, expect, it } from 'vitest';
import { random } from '../../../runner/math/random.ts';
import { RandomWindows } from '../../../runner/metrics/random-windows.ts';

const [ROWS, TOKENS, K, D_SAE] = [40, 16, 3, 20];
const stream = random('random windows test');
const indices = Int32Array.from({ length: ROWS * TOKENS * K }, () => stream.integer(D_SAE));
// Of three slots one is empty.
const values = Float32Array.from({ length: ROWS * TOKENS * K }, (_, i) => (i % 3 === 2 ? 0 : 1));

function seenIn(batch: number): RandomWindows {
  const windows = new RandomWindows({ rows: ROWS, rowTokens: TOKENS }, 10, 5, 3);
  for (let from = 0; from < ROWS; from += batch) {
    const [start, end] = [from * TOKENS * K, (from + batch) * TOKENS * K];
    windows.add({
      ids: new Int32Array(batch * TOKENS),
      rows: batch,
      tokens: TOKENS,
      k: K,
      indices: indices.slice(start, end),
      values: values.slice(start, end),
    });
  }
  return windows;
}

describe('random windows of the text', () => {
  it('lie within rows of their own, spread over the text', () => {
    const { windows, tokens } = seenIn(8);
    expect(tokens).toBe(5);
    expect(windows).toHaveLength(10);
    windows.forEach(({ row, start }, place) => {
      expect(Math.floor(row / 4)).toBe(place);
      expect(start).toBeGreaterThanOrEqual(0);
      expect(start).toBeLessThanOrEqual(TOKENS - 5);
    });
    const short = new RandomWindows({ rows: 3, rowTokens: 4 }, 10, 5, 3);
    expect([short.windows.length, short.tokens]).toEqual([3, 4]);
  });

  it('say of each latent in which it fires, however the rows come', () => {
    const seen = seenIn(8);
    const found = seen.firesIn([0, 1, 2, 99]);
    for (const latent of [0, 1, 2, 99]) {
      const expected = seen.windows.flatMap(({ row, start }, place) => {
        const from = (row * TOKENS + start) * K;
        const slots = Array.from({ length: 5 * K }, (_, i) => from + i);
        return slots.some((slot) => values[slot]! > 0 && indices[slot] === latent) ? [place] : [];
      });
      expect(found.get(latent)).toEqual(expected);
    }
    expect(found.get(0)!.length).toBeGreaterThan(0);
    expect([...seenIn(5).firesIn([0, 1, 2, 99])]).toEqual([...found]);
  });
});
