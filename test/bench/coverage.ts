/**
 * Coverage of the nominal 95 % intervals: in how many simulated evaluations of a population with a known truth the
 * interval holds it, with the width it takes, beside the percentile interval of the same resamples; and of boards of SAEs,
 * how often a ranking tells apart what is equal. What does not hold is named with its reason; the table stands in
 * docs/intervals.md.
 *
 *     node test/bench/coverage.ts [--sets 400] [--resamples 1000] [--only NAME] [--boards 100]
 */
import { parseArgs } from 'node:util';
import { percentileInterval } from '../../runner/metrics/interval.ts';
import { difference } from '../../runner/metrics/mover.ts';
import { type Interval, interval, type Statistic } from '../../runner/metrics/statistic.ts';
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
} from '../simulation/awkward-populations.ts';
import { simulateBoard } from '../simulation/boards.ts';
import {
  areaUnderCurve,
  lossRecovered,
  type Population,
  varianceExplained,
} from '../simulation/populations.ts';

const { values } = parseArgs({
  options: {
    sets: { type: 'string', default: '400' },
    resamples: { type: 'string', default: '1000' },
    only: { type: 'string', default: '' },
    boards: { type: 'string', default: '100' },
  },
});
const sets = Number(values.sets);
const count = Number(values.resamples);
const boards = Number(values.boards);

const HEAVY = 'a few rows carry the sum; such intervals are marked as doubtful';
const FEW = 'too few rows';
/** Largest board whose pairs are judged one at a time as well, which takes long. */
const ALONE = 5;

const WIDE = 'wider than it need be: Newcombe’s variance is of exponential scores';

/** Populations, and why an interval of theirs need not hold. */
const populations: readonly [Population, string?][] = [
  [varianceExplained(128)],
  [lossRecovered(128)],
  [lossRecovered(16), FEW],
  [unequalLosses(128, { perDocument: 8 })],
  [unequalLosses(512, { perDocument: 8 })],
  [unequalLosses(128, { perDocument: 8, asDocuments: false }), 'what rows as blocks would give'],
  [unequalLosses(128, { perDocument: 4 })],
  [unequalLosses(8), FEW],
  [unequalLosses(32), FEW],
  [unequalLosses(128)],
  [unequalLosses(8, { spread: 1.5 }), HEAVY],
  [unequalLosses(32, { spread: 1.5 }), HEAVY],
  [unequalLosses(128, { spread: 1.5 }), HEAVY],
  [nearlyAllRecovered(128)],
  [aliveLatents(16, 8)],
  [aliveLatents(16, 8, false), 'what rows as blocks would give'],
  [scoresOfL0(32, 80)],
  [scoresOfL0(32, 82)],
  [areaUnderCurve(300, 0.5, 0)],
  [areaUnderCurve(300, 0.9, 1.8123876)],
  [areaUnderCurve(300, 0.97, 2.659855)],
  [areaUnderCurve(40, 0.9, 1.8123876)],
  [unbalancedArea(50, 0.995, 0.1), WIDE],
  [unbalancedArea(200, 0.995, 0.1), WIDE],
  [unbalancedArea(1_000, 0.995, 0.1), WIDE],
  [unbalancedArea(300, 0.995, 0.5), WIDE],
  [accuracies(100, 0.99), 'exactly 92.1: of 100 texts a share takes few values'],
  [accuracies(100, 0.99, 5)],
  [accuracyFalls(100, 0.005, 0.0005), 'wider than it need be: half a text in each cell'],
  [areaLost(200, 0.004), 'wider than it need be: cut at 0'],
  [areaLost(200, 0.02)],
  [skills(8), FEW],
  [skills(32)],
  [skills(128)],
];

function measured(statistic: Statistic) {
  if (statistic.value === null) throw new Error(statistic.reason);
  return statistic;
}

const within = ({ low, high }: Interval, truth: number): boolean => low <= truth && truth <= high;

const percent = (share: number): string => (100 * share).toFixed(1);

const cells = (...each: (string | number)[]): string => `| ${each.join(' | ')} |`;

console.log(
  `${sets} simulated evaluations each, ${count} resamples; covered, of nominal 95 %; Monte-Carlo error ${percent(Math.sqrt((0.95 * 0.05) / sets))} points\n`,
);
console.log(cells('value', 'size', 'covered', 'percentile', 'median width', 'zero width', 'paired', ''));
console.log(cells('---', '---', '---:', '---:', '---:', '---:', '---:', '---'));
for (const [population, excuse] of populations) {
  if (!population.name.includes(values.only)) continue;
  const covered = { own: 0, percentile: 0, paired: 0, none: 0 };
  const widths: number[] = [];
  for (let set = 0; set < sets; set++) {
    const [found, other] = population.evaluate(set, count);
    const own = interval(measured(found))!;
    widths.push(own.high - own.low);
    if (own.high === own.low) covered.none++;
    if (within(own, population.truth)) covered.own++;
    if (within(percentileInterval(measured(found).samples), population.truth)) covered.percentile++;
    if (other === undefined || population.difference === undefined) continue;
    if (within(interval(measured(difference(found, other)))!, population.difference)) covered.paired++;
  }
  const share = covered.own / sets;
  const held = share >= 0.92 && share <= 0.98;
  if (!held && excuse === undefined) process.exitCode = 1;
  console.log(
    cells(
      population.name,
      population.size,
      `**${percent(share)}**`,
      percent(covered.percentile / sets),
      widths.sort((a, b) => a - b)[widths.length >> 1]!.toPrecision(2),
      percent(covered.none / sets),
      population.difference === undefined ? '' : percent(covered.paired / sets),
      held ? '' : `not 92–98: ${excuse ?? 'NOT EXPECTED'}`,
    ),
  );
}

if (boards > 0 && 'boards'.includes(values.only)) {
  console.log(
    '\nBoards: SAEs over the same rows, the step from one to the next in standard errors of a difference.\n',
  );
  console.log(
    cells(
      'SAEs',
      'rows',
      'step',
      'boards',
      'told apart wrongly',
      'one pair at a time',
      'pairs told apart',
      'ranks open',
      'seconds a board',
    ),
  );
  console.log(cells('---:', '---:', '---:', '---:', '---:', '---:', '---:', '---:', '---:'));
  for (const [saes, rows, gap, share] of [
    [2, 8, 0, 4],
    [2, 32, 0, 4],
    [2, 128, 0, 4],
    [5, 8, 0, 2],
    [5, 128, 0, 2],
    [30, 32, 0, 1],
    [30, 128, 0, 1],
    [250, 128, 0, 0.4],
    [5, 128, 2, 2],
    [30, 128, 2, 1],
    [250, 128, 2, 0.2],
  ] as const) {
    const runs = Math.ceil(share * boards);
    const total = { wrong: 0, alone: 0, resolved: 0, open: 0 };
    const start = performance.now();
    for (let set = 0; set < runs; set++) {
      const found = simulateBoard(set, { saes, rows, gap, count }, saes <= ALONE);
      if (found.wrong > 0) total.wrong++;
      if (found.wrongAlone > 0) total.alone++;
      total.resolved += found.resolved / ((saes * (saes - 1)) / 2);
      total.open += found.open;
    }
    const seconds = (performance.now() - start) / 1_000 / runs;
    const wrong = total.wrong / runs;
    console.log(
      cells(
        saes,
        rows,
        gap,
        runs,
        `**${percent(wrong)} %**`,
        saes <= ALONE ? `${percent(total.alone / runs)} %` : '',
        `${percent(total.resolved / runs)} %`,
        (1 + total.open / runs).toFixed(1),
        seconds.toFixed(2),
      ),
    );
  }
}
