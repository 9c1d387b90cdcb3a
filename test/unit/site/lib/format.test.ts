import { describe, expect, it } from 'vitest';
import {
  boundOf,
  describeMeasure,
  formatBrief,
  formatBytes,
  formatDuration,
  formatInterval,
  formatNumber,
  formatPlain,
  formatSmall,
  formatTime,
  formatTokens,
} from '../../../../site/lib/format.ts';

describe('numbers', () => {
  it('keeps the digits asked for, groups thousands and uses a real minus sign', () => {
    expect(formatNumber(65_536, 0)).toBe('65,536');
    expect(formatNumber(0.5, 4)).toBe('0.5000');
    expect(formatNumber(-0.0312, 3)).toBe('−0.031');
  });

  it('gives no sign to a value that rounds to zero', () => {
    expect(formatNumber(-0.00001, 3)).toBe('0.000');
    expect(formatNumber(-0, 1)).toBe('0.0');
  });

  it('prints a quantity of any scale in three digits', () => {
    expect([0, 0.41987, 32, 2.5e-4, -1e-4, 1_234.5, 31_415].map(formatBrief)).toEqual([
      ...['0', '0.42', '32', '2.5e−4', '−1e−4', '1,230', '31.4\u00a0k'],
    ]);
  });

  it('prints settings exactly', () => {
    expect(formatPlain(2_048)).toBe('2,048');
    expect(formatPlain(0.03125)).toBe('0.03125');
    expect(formatPlain(6e-5)).toBe('6e−5');
    expect(formatPlain(0)).toBe('0');
    expect(formatSmall(3 / 131_072)).toBe('2.3 × 10⁻⁵');
  });

  it('shortens tokens, bytes and durations', () => {
    expect(['512', '131 k', '1 M', '200 M', '16 B']).toEqual(
      [512, 131_072, 1e6, 2e8, 1.6e10].map((n) => formatTokens(n).replace('\u00a0', ' ')),
    );
    expect([311, 1_053_576, 2.684e9].map(formatBytes)).toEqual(['311 B', '1.05 MB', '2.68 GB']);
    expect([0.5, 61.4, 126_000].map(formatDuration)).toEqual(['0.5 s', '1 min 1 s', '35 h 0 min']);
    expect(formatInterval(-0.1, 0.2, 2)).toBe('−0.10 to 0.20');
    expect(formatInterval(-0.2, -0.1, 1)).toBe('−0.2 to −0.1');
    expect(formatTime('2026-11-22T12:34:56.000Z')).toBe('2026-11-22 12:34 UTC');
  });
});

describe('measures', () => {
  it('gives value, interval and window with the definition’s digits', () => {
    expect(
      describeMeasure(
        { value: 0.98765, interval: { low: 0.98, high: 0.99 }, window_tokens: 250_000 },
        'alive@v1',
      ),
    ).toEqual({
      value: '0.9877',
      interval: '0.9800–0.9900',
      reason: null,
      window: '250,000 tokens',
      note: null,
      method: 'studentised bootstrap over rows, after clipping (studentised@1)',
      doubt: null,
    });
  });

  it('names the method of an interval, and why it is doubtful', () => {
    const interval = { low: 0.9, high: 1 };
    expect(
      describeMeasure({ value: 0.95, interval, method: 'wilson', interval_note: 'Few rows.' }, 'alive@v1'),
    ).toMatchObject({ method: 'Wilson’s score interval', doubt: 'Few rows.', reason: null });
  });

  it('bounds how often latents that never fired may fire by documents, not by tokens', () => {
    expect(boundOf({ burst: 12, window_tokens: 100_000 }, 50)).toContain('3b/T ≈ 3.6 × 10⁻⁴ of tokens');
    expect(boundOf({ window_tokens: 100_000 }, 50)).toContain('3/R ≈ 6.0 × 10⁻² of rows');
    expect(boundOf({ window_tokens: 100_000 }, null)).toBe('');
  });

  it('says why there is no interval, no value, or no mention', () => {
    expect(
      describeMeasure({ value: 1, interval: null, interval_note: 'None given.' }, 'l0@v1'),
    ).toMatchObject({
      value: '1.00',
      interval: null,
      reason: 'None given.',
    });
    expect(describeMeasure({ value: null, reason: 'One class only.' }, 'l0@v1')).toMatchObject({
      value: null,
      reason: 'One class only.',
    });
    expect(describeMeasure(undefined, 'l0@v1').reason).toMatch(/does not mention/);
  });
});
