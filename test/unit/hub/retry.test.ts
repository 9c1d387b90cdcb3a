import { describe, expect, test } from 'vitest';
import { UnavailableError } from '../../../runner/errors.ts';
import { RETRY_POLICY, retryAfter, Transient, withRetries } from '../../../runner/hub/retry.ts';

const now = Date.parse('2026-01-01T00:00:00Z');

function context(draw: number) {
  const waits: number[] = [];
  const wait = async (ms: number) => void waits.push(ms);
  return { waits, clock: { wait, random: () => draw, now: () => now }, retryPolicy: RETRY_POLICY };
}

describe('withRetries', () => {
  test.each([
    [0, [250, 500, 1000, 2000, 4000]],
    [1, [500, 1000, 2000, 4000, 8000]],
  ])('waits double, half of each drawn at random (%d), and end', async (draw, expected) => {
    const { waits, ...rest } = context(draw);
    let attempts = 0;
    const failing = withRetries(rest, 'thing', async () => {
      attempts++;
      throw new Transient('HTTP 503');
    });
    await expect(failing).rejects.toThrow(UnavailableError);
    expect(attempts).toBe(6);
    expect(waits).toEqual(expected);
  });

  test('headway starts the count anew', async () => {
    const { waits, ...rest } = context(1);
    let attempts = 0;
    const result = await withRetries(
      rest,
      'thing',
      async () => {
        if (++attempts < 20) throw new Transient('cut');
        return 'done';
      },
      () => true,
    );
    expect(result).toBe('done');
    expect(new Set(waits)).toEqual(new Set([500]));
  });

  test('another error is not repeated; an abort ends the waiting', async () => {
    const { waits, ...rest } = context(1);
    await expect(
      withRetries(rest, 'thing', async () => {
        throw new TypeError('bug');
      }),
    ).rejects.toThrow('bug');
    const signal = AbortSignal.abort(new Error('stopped'));
    await expect(withRetries({ ...rest, signal }, 'thing', async () => 1)).rejects.toThrow('stopped');
    expect(waits).toEqual([]);
  });
});

test.each([
  [{ 'retry-after': '12' }, 12_000],
  [{ 'retry-after': 'Thu, 01 Jan 2026 00:01:00 GMT' }, 60_000],
  [{ 'retry-after': 'Wed, 31 Dec 2025 00:00:00 GMT' }, 0],
  [{ 'retry-after': 'soon' }, null],
  [{ ratelimit: '"api";r=0;t=55' }, 55_000],
  [{ 'retry-after': '-5' }, 0],
  [{}, null],
])('the wait asked for in %o', (headers, expected) => {
  expect(retryAfter(new Headers(headers as Record<string, string>), now)).toBe(expected);
});
