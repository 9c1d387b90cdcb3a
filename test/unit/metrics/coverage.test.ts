/**
 * A seeded part of `npm run bench -- coverage`, small enough for every run. Of n simulated evaluations a share p of coverage
 * is told to √(p(1 − p)/n): bounds are four of these about the 92 to 98 % that is asked.
 */
import { describe, expect, it } from 'vitest';
import { percentileInterval } from '../../../runner/metrics/interval.ts';
import { interval, type Statistic } from '../../../runner/metrics/statistic.ts';
import {
  accuracies,
  accuracyFalls,
  aliveLatents,
  areaLost,
  nearlyAllRecovered,
  scoresOfL0,
  skills,
  unbalancedArea,
  unequalLosses,
} from '../../simulation/awkward-populations.ts';
import { simulateBoard } from '../../simulation/boards.ts';
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

describe('where evaluations are not as textbooks have them', () => {
  const sets = 150;
  const slack = 4 * Math.sqrt((0.95 * 0.05) / sets);

  const covered = (population: Population): number => {
    let count = 0;
    for (let set = 0; set < sets; set++) {
      const { low, high } = interval(present(population.evaluate(set, 200)[0]))!;
      if (low <= population.truth && population.truth <= high) count++;
    }
    return count / sets;
  };

  it.each([
    unequalLosses(128, { perDocument: 8 }),
    nearlyAllRecovered(64),
    aliveLatents(16, 8),
    scoresOfL0(32, 80),
    unbalancedArea(50, 0.995, 0.1),
    accuracies(100, 0.99),
    accuracies(100, 0.99, 5),
    accuracyFalls(100, 0.005, 0.0005),
    areaLost(100, 0.004),
    skills(32),
  ])('$name, $size: the interval holds the truth as often as is asked', (population) => {
    expect(covered(population)).toBeGreaterThanOrEqual(0.92 - slack);
  });

  it('rows drawn apart hold far less where documents are alike', () => {
    expect(covered(unequalLosses(128, { perDocument: 8, asDocuments: false }))).toBeLessThan(0.8);
    expect(covered(aliveLatents(16, 8, false))).toBeLessThan(0.7);
  });

  it('a board of equal SAEs is told apart in about one of twenty', () => {
    let wrong = 0;
    for (let set = 0; set < 60; set++) {
      if (simulateBoard(set, { saes: 8, rows: 32, gap: 0, count: 200 }, false).wrong > 0) wrong++;
    }
    expect(wrong / 60).toBeLessThan(0.08 + 4 * Math.sqrt((0.05 * 0.95) / 60));
  });
});
