import { describe, expect, it } from 'vitest';
import { normalTail, studentQuantile, studentTail } from '../../../runner/math/student.ts';

/** Of scipy's stats.t.isf: degrees of freedom, and the quantiles of the tails 0.025, 1e-4 and 1e-6. */
const QUANTILES: readonly [number, ...number[]][] = [
  [1, 12.706204736174705, 3183.0987571181513, 318309.8861827435],
  [3.5, 2.9400886379827296, 16.295284596958677, 61.04512120772062],
  [7, 2.3646242515927844, 7.063432828157514, 14.241469651981445],
  [31, 2.039513446396408, 4.215502580843718, 5.828601803899664],
  [127, 1.9788195347028543, 3.8304860233645375, 4.9834379702368325],
];

/** Of scipy's stats.norm.sf. */
const TAILS: readonly [number, number][] = [
  [0.5, 0.3085375387259869],
  [1.96, 0.024997895148220435],
  [2.6, 0.004661188023718747],
  [5, 2.866515718791933e-7],
  [9, 1.1285884059538324e-19],
];

describe('Student’s distribution', () => {
  it.each(QUANTILES)('with %d degrees of freedom has scipy’s quantiles', (df, ...expected) => {
    [0.025, 1e-4, 1e-6].forEach((tail, i) => {
      expect(studentQuantile(tail, df) / expected[i]!).toBeCloseTo(1, 8);
      expect(studentTail(expected[i]!, df) / tail).toBeCloseTo(1, 8);
    });
  });

  it('comes to the normal, which has scipy’s tails', () => {
    for (const [z, tail] of TAILS) {
      expect(normalTail(z) / tail).toBeCloseTo(1, 9);
      expect(normalTail(-z)).toBeCloseTo(1 - tail, 12);
    }
    expect(studentQuantile(0.025, 1e7)).toBeCloseTo(1.959964, 5);
  });
});
