/**
 * Coverage of the nominal 95 % intervals: in how many of 1,000 simulated evaluations of a population with a known truth
 * the interval holds it. The studentised interval is what records carry; the percentile one of the same resamples stands
 * beside it; the paired one is that of the difference of two SAEs over the same rows, by percentile, as the site forms it.
 *
 *     node test/bench/coverage.ts [--sets 1000] [--resamples 1000]
 */
import { parseArgs } from 'node:util';
import { percentileInterval } from '../../runner/metrics/interval.ts';
import { difference } from '../../runner/metrics/mover.ts';
import { type Interval, interval, type Statistic } from '../../runner/metrics/statistic.ts';
import {
  areaUnderCurve,
  lossRecovered,
  type Population,
  varianceExplained,
} from '../simulation/populations.ts';

const { values } = parseArgs({
  options: { sets: { type: 'string', default: '1000' }, resamples: { type: 'string', default: '1000' } },
});
const sets = Number(values.sets);
const count = Number(values.resamples);

/** The demo evaluates 128 rows and 300 test texts a task; the smaller sizes show where the claim ends. */
const populations: readonly { population: Population; claimed: boolean }[] = [
  { population: varianceExplained(128), claimed: true },
  { population: lossRecovered(128), claimed: true },
  { population: areaUnderCurve(300, 0.9, 1.8123876), claimed: true },
  { population: areaUnderCurve(300, 0.97, 2.659855), claimed: true },
  { population: areaUnderCurve(300, 0.5, 0), claimed: true },
  { population: varianceExplained(16), claimed: false },
  { population: lossRecovered(16), claimed: false },
  { population: areaUnderCurve(40, 0.9, 1.8123876), claimed: false },
];

const ways = {
  studentised: ([a]: [Statistic, Statistic], { truth }: Population) => within(interval(measured(a))!, truth),
  percentile: ([a]: [Statistic, Statistic], { truth }: Population) =>
    within(percentileInterval(measured(a).samples), truth),
  paired: ([a, b]: [Statistic, Statistic], population: Population) =>
    within(percentileInterval(measured(difference(a, b)).samples), population.difference),
};

console.log(`${sets} simulated evaluations each, ${count} resamples; covered, %`);
console.log(
  `${''.padEnd(34)}${'size'.padEnd(12)}${Object.keys(ways)
    .map((way) => way.padStart(13))
    .join('')}`,
);
for (const { population, claimed } of populations) {
  const covered = { studentised: 0, percentile: 0, paired: 0 };
  for (let set = 0; set < sets; set++) {
    const found = population.evaluate(set, count);
    for (const way of Object.keys(ways) as (keyof typeof ways)[]) {
      if (ways[way](found, population)) covered[way]++;
    }
  }
  const share = covered.studentised / sets;
  const held = share >= 0.93 && share <= 0.97;
  if (claimed && !held) process.exitCode = 1;
  const verdict = claimed ? (held ? '  within 93-97' : '  OUTSIDE 93-97') : '  smaller than claimed for';
  const cells = Object.values(covered).map((times) => ((100 * times) / sets).toFixed(1).padStart(13));
  console.log(`${population.name.padEnd(34)}${population.size.padEnd(12)}${cells.join('')}${verdict}`);
}

function measured(statistic: Statistic) {
  if (statistic.value === null) throw new Error(statistic.reason);
  return statistic;
}

function within({ low, high }: Interval, truth: number): boolean {
  return low <= truth && truth <= high;
}
