import { describe, expect, it } from 'vitest';
import { random } from '../../../runner/math/random.ts';
import { activationSums } from '../../../runner/metrics/activations.ts';
import { resampleRows, resampleWithinClasses, sumsOfBlocks } from '../../../runner/metrics/bootstrap.ts';
import { centredTotal } from '../../../runner/metrics/centred-total.ts';
import { difference } from '../../../runner/metrics/mover.ts';
import { combine, constant, interval, sumOf, toMeasure } from '../../../runner/metrics/statistic.ts';
import { measure } from '../../../runner/report/measure.ts';
import { suiteOf, testRows, WIDTH } from './rows.ts';

describe('resampleRows', () => {
  it('draws as many rows as there are, the same for the same seed', () => {
    const resamples = resampleRows(17, { count: 50, seed: 4 });
    for (let b = 0; b < 50; b++) {
      const drawn = resamples.weights.subarray(b * 17, (b + 1) * 17);
      expect(drawn.reduce((a, c) => a + c, 0)).toBe(17);
    }
    expect(resampleRows(17, { count: 50, seed: 4 })).toEqual(resamples);
    expect(resampleRows(17, { count: 50, seed: 5 })).not.toEqual(resamples);
  });

  it('draws each row once on average, with the variance of drawing with replacement', () => {
    const { weights } = resampleRows(40, { count: 2000 });
    let squares = 0;
    for (const weight of weights) squares += (weight - 1) ** 2;
    expect(squares / weights.length).toBeCloseTo(1 - 1 / 40, 1);
  });

  it('adds up the rows of each document, wherever they lie', () => {
    const resamples = resampleRows(5, { count: 3 }, [7, 2, 7, 7, 2]);
    expect(resamples.blocks).toBe(2);
    expect([...sumsOfBlocks([1, 10, 2, 4, 20], resamples)]).toEqual([7, 30]);
    expect([...sumsOfBlocks([1, 0, 10, 0, 2, 1, 4, 1, 20, 1], resamples, 2)]).toEqual([7, 2, 30, 1]);
  });

  it('has nothing to draw from fewer than two rows', () => {
    expect(resampleRows(1).count).toBe(0);
    expect(resampleRows(0).count).toBe(0);
  });

  it('keeps the classes’ sizes within classes', () => {
    const labels = Uint8Array.of(1, 0, 0, 0, 1, 0);
    const { weights } = resampleWithinClasses(labels, { count: 30 });
    for (let b = 0; b < 30; b++) {
      const drawn = weights.subarray(b * 6, (b + 1) * 6);
      expect(drawn[0]! + drawn[4]!).toBe(2);
      expect(drawn[1]! + drawn[2]! + drawn[3]! + drawn[5]!).toBe(4);
    }
  });
});

describe('centredTotal', () => {
  // 4 rows of width 60 take the road over rows, 40 rows of width 2 that over dimensions.
  it.each([
    [4, 60],
    [40, 2],
  ])('is exact in every resample: %i rows of width %i', (rows, width) => {
    const stream = random('centred', rows);
    const sums = activationSums(width);
    const data = Array.from({ length: rows }, (_, row) => {
      const tokens = row === 2 ? 0 : 1 + stream.integer(6);
      return Float32Array.from({ length: tokens * width }, () => 1000 + row + stream.gaussian());
    });
    for (const x of data) sums.add({ x, tokens: x.length / width });
    const resamples = resampleRows(rows, { count: 60 });
    const found = centredTotal(sums.table(), resamples);

    const direct = (times: (row: number) => number): number => {
      let count = 0;
      const mean = new Float64Array(width);
      for (const [row, x] of data.entries()) {
        count += (times(row) * x.length) / width;
        for (let at = 0; at < x.length; at++) mean[at % width]! += times(row) * x[at]!;
      }
      let total = 0;
      for (const [row, x] of data.entries()) {
        for (let at = 0; at < x.length; at++) total += times(row) * (x[at]! - mean[at % width]! / count) ** 2;
      }
      return total;
    };
    expect(found.value / direct(() => 1)).toBeCloseTo(1, 9);
    for (let b = 0; b < 60; b++) {
      const times = (row: number): number => resamples.weights[b * rows + row]!;
      const expected = direct(times);
      // All tokens from the row without any: nothing to centre.
      if (Number.isNaN(expected)) expect(found.samples[b]).toBe(0);
      else expect(Math.abs(found.samples[b]! - expected) / Math.max(expected, 1)).toBeLessThan(1e-8);
    }
  });
});

describe('combine', () => {
  const resamples = resampleRows(12, { count: 100 });
  const column = Float64Array.from({ length: 12 }, (_, i) => i + 1);

  it('applies the formula to the value and to each resample', () => {
    const found = combine([sumOf(column, resamples), constant(2, resamples)], (a, b) => a * b, 'no');
    if (found.value === null) throw new Error(found.reason);
    expect(found.value).toBe(156);
    for (let b = 0; b < 100; b++) {
      let total = 0;
      for (let i = 0; i < 12; i++) total += 2 * column[i]! * resamples.weights[b * 12 + i]!;
      expect(found.samples[b]).toBe(total);
    }
  });

  it('keeps the reason of an unmeasured input, and gives its own where the value is not finite', () => {
    const missing = { value: null, reason: 'was not run' } as const;
    expect(combine([sumOf(column, resamples), missing], (a, b) => a + b, 'no')).toBe(missing);
    expect(combine([constant(0, resamples)], (a) => a / a, 'nothing divided')).toEqual({
      value: null,
      reason: 'nothing divided',
    });
  });

  it('gives no interval where some resample has no value, and says how many', () => {
    const rare = Float64Array.from({ length: 12 }, (_, i) => (i === 0 ? 1 : 0));
    const found = combine([sumOf(rare, resamples)], (a) => 1 / a, 'no row drawn');
    const shown = toMeasure(found);
    expect(shown).toMatchObject({
      value: 1,
      interval: null,
      interval_note: expect.stringMatching(/^undefined in \d+ of 100 resamples: no row drawn$/),
    });
    expect(measure.parse(shown)).toEqual(shown);
  });

  it('refuses inputs of different resamples', () => {
    const other = constant(1, resampleRows(12, { count: 99 }));
    expect(() => combine([sumOf(column, resamples), other], (a, b) => a + b, 'no')).toThrow(RangeError);
    expect(() => sumOf(column.subarray(1), resamples)).toThrow(RangeError);
  });
});

describe('paired difference', () => {
  it('is far narrower than the difference of separate intervals where rows differ more than SAEs', () => {
    const resamples = resampleRows(50, { count: 1000 });
    const stream = random('paired');
    const rows = Float64Array.from({ length: 50 }, () => 10 * stream.gaussian());
    const a = sumOf(rows, resamples);
    const b = sumOf(
      rows.map((value) => value - 1 - 0.1 * stream.gaussian()),
      resamples,
    );
    const found = difference(a, b);
    if (found.value === null) throw new Error(found.reason);
    const paired = interval(found)!;
    const alone = interval(a)!;
    expect(paired.high - paired.low).toBeLessThan((alone.high - alone.low) / 20);
    expect(paired.low).toBeGreaterThan(0);
  });
});

describe('coverage of the nominal 95 % interval', () => {
  it('of var_exp@pooled-v1 is between 91 and 99 % of 200 simulated sets', () => {
    // Tokens of row r: x = row effect + noise, both isotropic; e has a variance of its own in every row.
    const width = WIDTH;
    const truth = 1 - 0.35 / 1.5;
    let covered = 0;
    for (let set = 0; set < 200; set++) {
      const stream = random('coverage', set);
      const rows = testRows(new Array<number>(100).fill(4)).map(({ row, sae }) => {
        const effect = Float64Array.from({ length: width }, () => Math.sqrt(0.5) * stream.gaussian());
        const spread = Math.sqrt(0.1 + 0.5 * stream.next());
        const x = row.x.map((_, at) => effect[at % width]! + stream.gaussian());
        return {
          row: { ...row, x },
          sae: { ...sae, reconstruction: x.map((value) => value + spread * stream.gaussian()) },
        };
      });
      const found = suiteOf(rows, 400).metrics['var_exp@pooled-v1'];
      if (found.value === null || found.interval === null) throw new Error('no interval');
      if (found.interval.low <= truth && truth <= found.interval.high) covered++;
    }
    expect(covered / 200).toBeGreaterThanOrEqual(0.91);
    expect(covered / 200).toBeLessThanOrEqual(0.99);
  });
});
