/** A seeded part of `npm run bench -- coverage`, small enough for every run. */
import { describe, expect, it } from 'vitest';
import { percentileInterval } from '../../../runner/metrics/interval.ts';
import { interval, type Statistic } from '../../../runner/metrics/statistic.ts';
import {
  areaUnderCurve,
  lossRecovered,
  type Population,
  varianceExplained,
} from '../../simulation/populations.ts';

const SETS = 300;

function coverage(population: Population): { studentised: number; percentile: number } {
  let studentised = 0;
  let percentile = 0;
  for (let set = 0; set < SETS; set++) {
    const [found] = population.evaluate(set, 300);
    const estimate = present(found);
    const own = interval(estimate)!;
    const plain = percentileInterval(estimate.samples);
    if (own.low <= population.truth && population.truth <= own.high) studentised++;
    if (plain.low <= population.truth && population.truth <= plain.high) percentile++;
  }
  return { studentised: studentised / SETS, percentile: percentile / SETS };
}

function present(statistic: Statistic) {
  if (statistic.value === null) throw new Error(statistic.reason);
  return statistic;
}

describe('the nominal 95 % interval', () => {
  it.each([varianceExplained(64), lossRecovered(64), areaUnderCurve(300, 0.9, 1.8123876)])(
    'covers the truth of $name in 93 to 97 % of simulated evaluations of $size',
    (population) => {
      const { studentised } = coverage(population);
      expect(studentised).toBeGreaterThanOrEqual(0.93);
      expect(studentised).toBeLessThanOrEqual(0.97);
    },
  );

  it('holds near a bound, where the percentile interval of the same resamples covers too little', () => {
    const { studentised, percentile } = coverage(areaUnderCurve(60, 0.97, 2.659855));
    expect(percentile).toBeLessThan(0.92);
    expect(studentised).toBeGreaterThan(0.93);
  });
});
