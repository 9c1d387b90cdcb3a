import { describe, expect, it } from 'vitest';
import { resampleRows } from '../../../runner/metrics/bootstrap.ts';
import { bootstrapInterval, carriers } from '../../../runner/metrics/interval.ts';
import { difference, meanOf } from '../../../runner/metrics/mover.ts';
import { agrestiMin, newcombeArea, wilson } from '../../../runner/metrics/proportions.ts';
import {
  clipped,
  combine,
  constant,
  type Estimate,
  interval,
  sumOf,
  toMeasure,
} from '../../../runner/metrics/statistic.ts';
import { accuracy, accuracyFall } from '../../../runner/probes/accuracy.ts';

/** The mean of a column with its resamples. */
function meanOver(column: Float64Array, documents?: number[]): Estimate {
  const resamples = resampleRows(column.length, { count: 1_000, seed: 3 }, documents);
  const ones = new Float64Array(column.length).fill(1);
  return present(combine([sumOf(column, resamples), sumOf(ones, resamples)], (a, b) => a / b, 'none'));
}

function present<T extends { value: number | null }>(statistic: T): Extract<T, Estimate> {
  if (statistic.value === null) throw new Error('not measured');
  return statistic as Extract<T, Estimate>;
}

describe('the interval of resamples', () => {
  // Of a resample without the one row that differs the standard error is none; rounding must not stand in for it.
  it('of 100 texts of which one falls has ends of its own size', () => {
    const one = Float64Array.from({ length: 100 }, (_, i) => (i === 37 ? 1 : 0));
    const found = bootstrapInterval(meanOver(one));
    expect(found.low).toBeGreaterThanOrEqual(-0.01);
    expect(found.high).toBeLessThan(0.06);
  });

  it('of 1,000 texts of which three are wrong has ends of its own size', () => {
    const right = Float64Array.from({ length: 1_000 }, (_, i) => (i % 400 === 5 ? 0 : 1));
    const found = bootstrapInterval(meanOver(right));
    expect(found.low).toBeGreaterThan(0.98);
    expect(found.high).toBeLessThanOrEqual(1.001);
  });

  it('is the value itself where every row is alike, and only there', () => {
    const alike = interval(meanOver(new Float64Array(50).fill(0.3)))!;
    expect(alike.method).toBe('constant');
    expect(alike.high - alike.low).toBeLessThan(1e-15);
  });

  it('draws documents, whose rows go together', () => {
    const column = Float64Array.from({ length: 80 }, (_, row) => Math.sin(7 * Math.floor(row / 8)));
    const documents = Array.from(column, (_, row) => 100 - Math.floor(row / 8));
    const of = (each: Estimate) => {
      const { low, high } = interval(each)!;
      return high - low;
    };
    const perDocument = Float64Array.from({ length: 10 }, (_, block) => column[8 * block]!);
    const [apart, together] = [of(meanOver(column)), of(meanOver(column, documents))];
    expect(together).toBeGreaterThan(2 * apart);
    // Ten documents of eight equal rows say what ten rows say.
    expect(together).toBeCloseTo(of(meanOver(perDocument)), 12);
  });

  it('of a clipped value is that of the value before, its ends clipped', () => {
    const column = Float64Array.from({ length: 60 }, (_, i) => 0.99 + 0.1 * Math.sin(5 * i));
    const before = meanOver(column);
    const cut = present(clipped(before, [0, 1]));
    const [own, found] = [interval(before)!, interval(cut)!];
    expect(own.high).toBeGreaterThan(1);
    expect(found).toEqual({ ...own, high: 1 });
    const above = meanOver(column.map((value) => value + 0.5));
    expect(present(clipped(above, [0, 1])).value).toBe(1);
  });

  it('is moved outward as Student’s quantile is beyond the normal’s', () => {
    // Half of twelve rows below and half above: their error has 11 degrees of freedom, and Student's quantile is 2.200985.
    const column = Float64Array.from({ length: 12 }, (_, i) => 5 + (i % 2 === 0 ? 0.3 : -0.3));
    const estimate = meanOver(column);
    const { weights, count } = estimate.leftOut[0]!.resamples;
    const variance = (drawn: ArrayLike<number>): { mean: number; error: number } => {
      const rows = Array.from(drawn).flatMap((times, i) => new Array<number>(times).fill(column[i]!));
      const mean = rows.reduce((sum, value) => sum + value, 0) / 12;
      const squares = rows.reduce((sum, value) => sum + (value - mean) ** 2, 0);
      return { mean, error: Math.sqrt(squares / 12 / 11) };
    };
    const whole = variance(new Uint16Array(12).fill(1));
    const distances = Array.from({ length: count }, (_, b) => {
      const { mean, error } = variance(weights.subarray(12 * b, 12 * (b + 1)));
      return (mean - 5) / error;
    }).sort((x, y) => x - y);
    const at = (share: number): number => {
      const [place, rest] = [Math.floor(share * (count - 1)), (share * (count - 1)) % 1];
      return distances[place]! + rest * (distances[place + 1]! - distances[place]!);
    };
    const scale = (2.200985160082949 / 1.959963984540054) * whole.error;
    const found = bootstrapInterval(estimate);
    expect(found.low).toBeCloseTo(5 - at(0.975) * scale, 9);
    expect(found.high).toBeCloseTo(5 - at(0.025) * scale, 9);
  });

  it('names how few blocks carry the value', () => {
    const heavy = Float64Array.from({ length: 100 }, (_, i) => (i === 4 ? 50 : Math.sin(i)));
    expect(carriers(meanOver(heavy).leftOut)).toEqual({ few: 1, of: 100 });
    expect(toMeasure(meanOver(heavy))).toMatchObject({
      method: 'studentised@3',
      interval_note: expect.stringMatching(/^1 of 100 documents or texts make up half of the variance/),
    });
    const light = Float64Array.from({ length: 100 }, (_, i) => Math.sin(i));
    expect(carriers(meanOver(light).leftOut).few).toBeGreaterThan(20);
    expect(toMeasure(meanOver(light))).not.toHaveProperty('interval_note');
  });

  it('beside which the value lies says so: of a peak all resamples lie below', () => {
    const samples = Float64Array.from({ length: 100 }, (_, i) => 0.5 + i / 300);
    const measure = toMeasure({ value: 1, samples, leftOut: [] });
    expect(measure).toMatchObject({
      method: 'percentile@2',
      interval_note: expect.stringMatching(/^the value lies beside it/),
    });
  });
});

describe('intervals of proportions', () => {
  // Newcombe 1998, table I (method 3), as statsmodels 0.14 gives them.
  it.each([
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ])('Wilson: %i of %i', (count, n, low, high) => {
    const found = wilson(count / n, n);
    expect(found.low).toBeCloseTo(low, 4);
    expect(found.high).toBeCloseTo(high, 4);
  });

  it('Agresti and Min: half a row in each cell of the table', () => {
    // 2 of 100 lost, none gained: (2.5 − 0.5) / 102 ± 1.96 √(3 − 4/102) / 102
    const found = agrestiMin(2, 0, 100);
    expect((found.low + found.high) / 2).toBeCloseTo(2 / 102, 12);
    expect(found.high - found.low).toBeCloseTo((2 * 1.959964 * Math.sqrt(3 - 4 / 102)) / 102, 6);
  });

  it('Newcombe’s method 5: the areas whose own standard error reaches the estimate', () => {
    const [area, n0, n1] = [0.97, 45, 15];
    const found = newcombeArea(area, n0, n1);
    const half = (n0 + n1) / 2 - 1;
    for (const end of [found.low, found.high]) {
      const variance =
        (end * (1 - end) * (1 + (half * (1 - end)) / (2 - end) + (half * end) / (1 + end))) / (n0 * n1);
      expect(Math.abs(area - end)).toBeCloseTo(1.959964 * Math.sqrt(variance), 6);
    }
    expect(newcombeArea(1, n0, n1).high).toBe(1);
    expect(newcombeArea(1, n0, n1).low).toBeLessThan(0.95);
  });

  it('are those of accuracies and of their falls, however many texts', () => {
    const resamples = resampleRows(100, { count: 50 });
    const places = Int32Array.from({ length: 40 }, (_, i) => 2 * i);
    const all = new Uint8Array(40).fill(1);
    const some = all.map((_, i) => (i === 3 ? 0 : 1));
    expect(interval(present(accuracy(all, places, resamples)))).toEqual({
      ...wilson(1, 40),
      method: 'wilson',
    });
    expect(interval(present(accuracyFall(all, some, places, resamples)))).toEqual({
      ...agrestiMin(1, 0, 40),
      method: 'agresti-min',
    });
  });
});

describe('MOVER', () => {
  const resamples = resampleRows(200, { count: 300 });
  const first = Int32Array.from({ length: 100 }, (_, i) => i);
  const second = Int32Array.from({ length: 100 }, (_, i) => 100 + i);
  const right = Uint8Array.from({ length: 100 }, (_, i) => (i % 9 === 0 ? 0 : 1));

  it('of a part and itself is that part, and of their difference nothing', () => {
    const one = accuracy(right, first, resamples);
    const mean = interval(present(meanOf([one, one])))!;
    const own = interval(present(one))!;
    expect(mean.low).toBeCloseTo(own.low, 12);
    expect(mean.high).toBeCloseTo(own.high, 12);
    const none = interval(present(difference(one, one)))!;
    // Wilson's two ends are not equally far, so that a hair is left.
    expect(Math.abs(none.low) + Math.abs(none.high)).toBeLessThan(0.06);
  });

  it('of parts over different texts is narrower, of as many parts by their root', () => {
    const [a, b] = [accuracy(right, first, resamples), accuracy(right, second, resamples)];
    const own = interval(present(a))!;
    const mean = interval(present(meanOf([a, b])))!;
    expect(mean.method).toBe('mover');
    // Texts drawn among one another are a little anticorrelated.
    const shrunk = (mean.high - mean.low) / (own.high - own.low);
    expect(shrunk).toBeGreaterThan(0.5);
    expect(shrunk).toBeLessThan(0.72);
  });

  it('leaves the bootstrap to statistics that have no formula', () => {
    const plain = constant(0.4, resamples);
    expect(interval(present(meanOf([plain, plain])))!.method).toBe('constant');
  });
});
