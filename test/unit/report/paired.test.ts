import { describe, expect, it } from 'vitest';
import { random } from '../../../runner/math/random.ts';
import { difference } from '../../../runner/metrics/mover.ts';
import { type Estimate, interval } from '../../../runner/metrics/statistic.ts';
import { drawsOf, pairedDifference } from '../../../runner/report/paired.ts';
import { packDraws, unpackDraws } from '../../../runner/report/paired-draws.ts';
import { record } from '../../../runner/report/schema.ts';
import { fixture } from '../site/fixtures.ts';
import { withDraws } from '../site/with-draws.ts';
import { boardOf, scoredStatistic } from './scored.ts';

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

  it('is not taken of another model, by the hash of its files or, without one, by its name and revision', () => {
    const b = withDraws(fixture('small-world-l2'), 0.69, 2);
    const of = (model: Partial<typeof b.model>) => {
      const [one, two] = [structuredClone(a), structuredClone(b)];
      Object.assign(one.model, { id: 'm', revision: null, sha256: null });
      Object.assign(two.model, { ...one.model, ...model });
      return pairedDifference(one, two, 'interpscore@0.0.1');
    };
    expect(of({})).not.toBeNull();
    expect(of({ sha256: 'd'.repeat(64) })).toBeNull();
    expect(of({ id: 'other' })).toBeNull();
    expect(of({ revision: 'e'.repeat(40) })).toBeNull();
    // Of one SAE on two models it is: what differs is the model, and the rows are the same.
    Object.assign(b.sae, { sha256: a.sae.sha256, hook: a.sae.hook });
    expect(of({ id: 'other' })).toMatchObject({ method: 'percentile' });
    Object.assign(b.sae, { hook: 'model.layers.3' });
    expect(of({ id: 'other' })).toBeNull();
  });
});

describe('draws with influences', () => {
  const [a, b] = boardOf(random('two'), { saes: 2, rows: 40, gap: 0.002, count: 500 });

  it('give back every resample far closer than a byte of its range could', () => {
    const [first] = boardOf(random('one'), { saes: 2, rows: 40, gap: 0.002, count: 500 });
    const drawn = drawsOf(first!, 'interpscore@0.0.1')!;
    const exact = scoredStatistic(random('one'), { saes: 2, rows: 40, gap: 0.002, count: 500 })[0]!;
    const range = Math.max(...exact.samples) - Math.min(...exact.samples);
    const worst = Math.max(...exact.samples.map((sample, draw) => Math.abs(sample - drawn.samples[draw]!)));
    expect(worst / range).toBeLessThan(1e-4);
  });

  it('give the studentised interval that the statistics themselves have', () => {
    const [one, two] = scoredStatistic(random('two'), { saes: 2, rows: 40, gap: 0.002, count: 500 });
    const exact = interval(difference(one!, two!) as Estimate)!;
    const found = pairedDifference(a!, b!, 'interpscore@0.0.1')!;
    expect(found.method).toBe('studentised');
    const width = exact.high - exact.low;
    expect(Math.abs(found.low - exact.low) / width).toBeLessThan(0.01);
    expect(Math.abs(found.high - exact.high) / width).toBeLessThan(0.01);
  });

  it('take what rounding leaves for no error: a difference that two rows carry has the interval of the statistics', () => {
    const shape = { saes: 2, rows: 40, gap: 0.002, count: 500, differ: 2 };
    const [one, two] = scoredStatistic(random('few'), shape);
    const exact = interval(difference(one!, two!) as Estimate)!;
    const [first, second] = boardOf(random('few'), shape);
    const found = pairedDifference(first!, second!, 'interpscore@0.0.1')!;
    expect(exact.method).toBe('percentile@2');
    expect(found.method).toBe('percentile');
    const width = exact.high - exact.low;
    expect(Math.abs(found.low - exact.low) / width).toBeLessThan(0.01);
    expect(Math.abs(found.high - exact.high) / width).toBeLessThan(0.01);
  });

  it('of a record whose parts do not fit are not used', () => {
    const broken = structuredClone(a!);
    broken.paired!.sources![0]!.strata = [39];
    expect(pairedDifference(broken, b!, 'interpscore@0.0.1')).toBeNull();
  });
});
