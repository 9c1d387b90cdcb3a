import { describe, expect, it } from 'vitest';
import { MalformedError } from '../../../runner/errors.ts';
import { random } from '../../../runner/math/random.ts';
import { resampleWithinClasses } from '../../../runner/metrics/bootstrap.ts';
import { interval } from '../../../runner/metrics/statistic.ts';
import { auroc } from '../../../runner/probes/auroc.ts';
import golden from '../../fixtures/probes/probes.json' with { type: 'json' };
import { goldenLabels } from './recipe.ts';

function plain(scores: number[], labels: ArrayLike<number>): number {
  const resamples = resampleWithinClasses(labels, { count: 1 });
  return auroc(Float64Array.from(scores), labels, resamples).value;
}

describe('auroc', () => {
  it.each(golden.aurocs)('equals scikit-learn with ties ($auroc)', ({ scores, labels, auroc: expected }) => {
    expect(plain(scores, goldenLabels(labels))).toBeCloseTo(expected, 12);
  });

  it('is 1, 0 and 1/2 where it must be', () => {
    expect(plain([1, 2, 3, 4], [0, 0, 1, 1])).toBe(1);
    expect(plain([4, 3, 2, 1], [0, 0, 1, 1])).toBe(0);
    expect(plain([5, 5, 5], [0, 1, 1])).toBe(0.5);
    expect(plain([Number.NEGATIVE_INFINITY, 0, Number.POSITIVE_INFINITY], [0, 0, 1])).toBe(1);
  });

  it('gives each resample the area of the rows drawn', () => {
    const stream = random('auroc');
    const labels = Uint8Array.from({ length: 30 }, (_, i) => (i % 3 === 0 ? 1 : 0));
    const scores = Float64Array.from(labels, (label) => stream.integer(6) + label);
    const resamples = resampleWithinClasses(labels, { count: 20, seed: 3 });
    const found = auroc(scores, labels, resamples);
    for (let b = 0; b < 20; b++) {
      const rows = Array.from(labels.keys()).flatMap((row) =>
        new Array<number>(resamples.weights[b * 30 + row]!).fill(row),
      );
      expect(rows).toHaveLength(30);
      const direct = plain(
        rows.map((row) => scores[row]!),
        rows.map((row) => labels[row]!),
      );
      expect(found.samples[b]).toBeCloseTo(direct, 12);
    }
  });

  it('covers chance for scores that know nothing, and the truth for those that do', () => {
    // Positives shifted by one standard deviation: AUROC = Φ(1/√2).
    const truth = 0.7602499389065233;
    let covered = 0;
    let chance = 0;
    for (let set = 0; set < 200; set++) {
      const stream = random('auroc coverage', set);
      const labels = Uint8Array.from({ length: 120 }, (_, i) => i % 2);
      const scores = Float64Array.from(labels, (label) => stream.gaussian() + label);
      const resamples = resampleWithinClasses(labels, { count: 400, seed: set });
      const found = interval(auroc(scores, labels, resamples))!;
      if (found.low <= truth && truth <= found.high) covered++;
      const blind = Float64Array.from(labels, () => stream.gaussian());
      const none = interval(auroc(blind, labels, resamples))!;
      if (none.low <= 0.5 && 0.5 <= none.high) chance++;
    }
    expect(covered / 200).toBeGreaterThanOrEqual(0.91);
    expect(covered / 200).toBeLessThanOrEqual(0.99);
    expect(chance / 200).toBeGreaterThanOrEqual(0.91);
    expect(chance / 200).toBeLessThanOrEqual(0.99);
  });

  it('refuses one class and NaN', () => {
    expect(() => plain([1, 2], [1, 1])).toThrow(MalformedError);
    expect(() => plain([1, Number.NaN], [0, 1])).toThrow(RangeError);
  });
});
