import { describe, expect, it } from 'vitest';
import { MalformedError } from '../../../runner/errors.ts';
import { random } from '../../../runner/math/random.ts';
import { resampleRows } from '../../../runner/metrics/bootstrap.ts';
import { coreLossRecovered } from '../../../runner/metrics/core-losses.ts';
import { type LossTable, recoveredShare } from '../../../runner/metrics/loss-recovered.ts';
import { constant } from '../../../runner/metrics/statistic.ts';
import { lossRecoveredSuite } from '../../../runner/suites/loss-recovered.ts';

/** Two rows, of 10 and 30 predictions, with the given mean losses. */
function table(clean: [number, number], sae: [number, number], zero: [number, number]): LossTable {
  const predictions = Float64Array.of(10, 30);
  const sums = (means: [number, number]): Float64Array =>
    Float64Array.from(means, (value, i) => value * predictions[i]!);
  return { predictions, clean: sums(clean), sae: sums(sae), zero: sums(zero) };
}

const resamples = resampleRows(2, { count: 200 });
const interpScore = 'loss_recovered@interpscore-0.0.1';
const pooled = 'loss_recovered@pooled-v1';

describe('loss recovered', () => {
  it('averages rows in one definition and tokens in the other', () => {
    const { metrics } = lossRecoveredSuite(table([2, 4], [3, 4.5], [10, 8]), resamples);
    expect(metrics['loss_clean@v1'].value).toBe(3);
    expect(metrics['loss_sae@v1'].value).toBe(3.75);
    expect(metrics['loss_zero@v1'].value).toBe(9);
    expect(metrics[interpScore].value).toBeCloseTo((9 - 3.75) / (9 - 3), 14);
    expect(metrics[pooled].value).toBeCloseTo((8.5 - 4.125) / (8.5 - 3.5), 14);
    expect(metrics['loss_mean@v1']).toEqual({ value: null, reason: 'mean ablation was not run' });
  });

  it('is 1 for the clean model and 0 for zeroing', () => {
    const clean: [number, number] = [2, 3];
    const zero: [number, number] = [9, 8];
    const identity = lossRecoveredSuite(table(clean, clean, zero), resamples).metrics;
    expect([identity[interpScore].value, identity[pooled].value]).toEqual([1, 1]);
    const nothing = lossRecoveredSuite(table(clean, zero, zero), resamples).metrics;
    expect([nothing[interpScore].value, nothing[pooled].value]).toEqual([0, 0]);
  });

  it('says when the clip acted, and clips in one definition only', () => {
    const better = lossRecoveredSuite(table([2, 2], [1.5, 1.5], [4, 4]), resamples).metrics;
    expect(better[interpScore]).toMatchObject({ value: 1, note: 'clipped from 1.25000' });
    expect(better[pooled].value).toBeCloseTo(1.25, 14);
    const worse = lossRecoveredSuite(table([2, 2], [5, 5], [4, 4]), resamples).metrics;
    expect(worse[interpScore]).toMatchObject({ value: 0, note: 'clipped from -0.500000' });
    const within = lossRecoveredSuite(table([2, 2], [3, 3], [4, 4]), resamples).metrics;
    expect(within[interpScore]).not.toHaveProperty('note');
  });

  it('floors the denominator as defined, and says so', () => {
    expect(recoveredShare(3, 3, 3)).toBe(0);
    expect(recoveredShare(5, 3, 4)).toBe(1e8);
    const same = lossRecoveredSuite(table([3, 3], [3, 3], [3, 3]), resamples).metrics;
    expect(same[interpScore]).toMatchObject({ value: 0, note: expect.stringContaining('below 1e-8') });
    expect(same[pooled]).toMatchObject({
      value: null,
      reason: expect.stringContaining('is not above the clean one (3.0000)'),
    });
  });

  it('is not measurable where zeroing lowers the loss, and says both losses', () => {
    const found = lossRecoveredSuite(table([3, 3], [3.5, 3.5], [2.5, 2.5]), resamples).metrics;
    const reason =
      'the loss with the activations zeroed (2.5000) is not above the clean one (3.0000): there is no damage to recover from';
    expect(found[interpScore]).toEqual({ value: null, reason });
    expect(found[pooled]).toEqual({ value: null, reason });
    const [clean, sae, zero] = [3, 3.5, 2.5].map((loss) => constant(loss, resamples));
    expect(coreLossRecovered(clean!, sae!, zero!)).toEqual({ value: null, reason });
  });

  it('leaves rows without predictions out of the mean, and is null where there are none at all', () => {
    const rows = table([2, 2], [3, 3], [4, 4]);
    for (const column of [rows.predictions, rows.clean, rows.sae, rows.zero]) column[0] = 0;
    expect(lossRecoveredSuite(rows, resamples).metrics['loss_clean@v1'].value).toBe(2);
    for (const column of [rows.predictions, rows.clean, rows.sae, rows.zero]) column[1] = 0;
    const found = lossRecoveredSuite(rows, resamples).metrics;
    expect(found[interpScore]).toEqual({ value: null, reason: 'no next-token predictions were counted' });
    expect(found[pooled].value).toBeNull();
  });

  it('refuses losses that are not finite', () => {
    const rows = table([2, 2], [3, Number.NaN], [4, 4]);
    expect(() => lossRecoveredSuite(rows, resamples)).toThrow(MalformedError);
    expect(() => lossRecoveredSuite(rows, resamples)).toThrow(/loss \(sae\) of evaluation row 1: found NaN/);
    const short = { ...table([2, 2], [3, 3], [4, 4]), mean: Float64Array.of(1) };
    expect(() => lossRecoveredSuite(short, resamples)).toThrow(RangeError);
  });

  it('has an interval that covers the truth in 91 to 99 % of 200 simulated sets', () => {
    const many = 80;
    let covered = 0;
    for (let set = 0; set < 200; set++) {
      const stream = random('loss coverage', set);
      const predictions = new Float64Array(many).fill(50);
      const base = Float64Array.from({ length: many }, () => 3 + 0.5 * stream.gaussian());
      const rows: LossTable = {
        predictions,
        clean: base.map((value) => 50 * value),
        // Truth: 1 − 0.6 / 6 = 0.9.
        sae: base.map((value) => 50 * (value + 0.6 + 0.3 * stream.gaussian())),
        zero: base.map((value) => 50 * (value + 6 + stream.gaussian())),
      };
      const found = lossRecoveredSuite(rows, resampleRows(many, { count: 400, seed: set })).metrics[
        interpScore
      ];
      if (found.value === null || found.interval === null) throw new Error('no interval');
      if (found.interval.low <= 0.9 && 0.9 <= found.interval.high) covered++;
    }
    expect(covered / 200).toBeGreaterThanOrEqual(0.91);
    expect(covered / 200).toBeLessThanOrEqual(0.99);
  });
});
