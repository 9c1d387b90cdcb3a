import { describe, expect, it } from 'vitest';
import { random } from '../../../runner/math/random.ts';
import { pairedDifference } from '../../../runner/report/paired.ts';
import { packDraws, unpackDraws } from '../../../runner/report/paired-draws.ts';
import { record } from '../../../runner/report/schema.ts';
import { fixture } from '../site/fixtures.ts';
import { withDraws } from '../site/with-draws.ts';

describe('stored draws', () => {
  it('come back within half a level', () => {
    const stream = random('draws');
    const samples = Float64Array.from({ length: 1_000 }, () => 5 + stream.gaussian());
    const packed = packDraws(samples);
    expect(packed.levels.length).toBeLessThan(1_400);
    const back = unpackDraws(packed);
    const worst = Math.max(...samples.map((value, b) => Math.abs(value - back[b]!)));
    expect(worst).toBeLessThanOrEqual(packed.step / 2 + 1e-12);
    expect(packed.step).toBeLessThan(0.04);
  });

  it('may all be equal', () => {
    expect([...unpackDraws(packDraws([0.4, 0.4, 0.4]))]).toEqual([0.4, 0.4, 0.4]);
  });
});

describe('pairedDifference', () => {
  const a = withDraws(fixture('small-world-l0'), 0.7, 1);

  it('is that of the resamples, and turns its sign with the order', () => {
    const b = withDraws(fixture('small-world-l2'), 0.69, 2);
    const found = pairedDifference(a, b, 'interpscore@0.0.1')!;
    expect(found.value).toBeCloseTo(0.01, 12);
    expect(found.resolved).toBe(true);
    // The own spreads, 0.001 each: the shared 0.01 cancels.
    expect(found.high - found.low).toBeGreaterThan(0.0045);
    expect(found.high - found.low).toBeLessThan(0.0066);
    const turned = pairedDifference(b, a, 'interpscore@0.0.1')!;
    expect(turned.low).toBeCloseTo(-found.high, 10);
    expect(record.safeParse(a).success).toBe(true);
  });

  it('of a record with itself is zero and not resolved', () => {
    expect(pairedDifference(a, a, 'interpscore@0.0.1')).toEqual({
      value: 0,
      low: 0,
      high: 0,
      resolved: false,
      method: 'percentile',
    });
  });

  it('is not taken over other rows, other counts, or values without draws', () => {
    const other = withDraws(fixture('small-world-l2'), 0.69, 2, 'c');
    expect(pairedDifference(a, other, 'interpscore@0.0.1')).toBeNull();
    expect(pairedDifference(a, fixture('small-world-l2'), 'interpscore@0.0.1')).toBeNull();
    expect(pairedDifference(a, a, 'var_exp@pooled-v1')).toBeNull();
  });
});
