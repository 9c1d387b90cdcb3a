/**
 * The lines of `bench coverage`, and the body of the threads that simulate them: a number asks for a line, which is
 * answered as a row of its table.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { percentileInterval } from '../../../runner/metrics/interval.ts';
import { difference } from '../../../runner/metrics/mover.ts';
import { type Interval, interval, type Statistic } from '../../../runner/metrics/statistic.ts';
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
import { median } from './median.ts';

export interface CoverageOptions {
  /** Simulated evaluations of each population. */
  sets: number;
  resamples: number;
  /** Boards of each kind, times its share. */
  boards: number;
}

export interface Line {
  table: 'values' | 'boards';
  name: string;
  simulate(options: CoverageOptions): Simulated;
}

export interface Simulated {
  row: string;
  /** Holds, or misses for a reason that is named. */
  expected: boolean;
}

const HEAVY = 'a few rows carry the sum; such intervals are marked as doubtful';
const UPWARDS = 'wider than it need be: the jackknife’s variance errs upwards';
/** Largest board whose pairs are judged one at a time as well, which takes long. */
const ALONE = 5;

const WIDE = 'wider than it need be: Newcombe’s variance is of exponential scores';

/** Populations, and why an interval of theirs need not hold. */
const populations: readonly [Population, string?][] = [
  [varianceExplained(128)],
  [lossRecovered(128)],
  [lossRecovered(16)],
  [unequalLosses(128, { perDocument: 8 })],
  [unequalLosses(512, { perDocument: 8 })],
  [unequalLosses(128, { perDocument: 8, asDocuments: false }), 'what rows as blocks would give'],
  [unequalLosses(128, { perDocument: 4 })],
  [unequalLosses(8)],
  [unequalLosses(32)],
  [unequalLosses(128)],
  [unequalLosses(8, { spread: 1.5 }), HEAVY],
  [unequalLosses(32, { spread: 1.5 }), HEAVY],
  [unequalLosses(128, { spread: 1.5 })],
  [nearlyAllRecovered(128)],
  [aliveLatents(16, 8), UPWARDS],
  [aliveLatents(16, 8, false), 'what rows as blocks would give'],
  [scoresOfL0(32, 80)],
  [scoresOfL0(32, 82)],
  [areaUnderCurve(300, 0.5, 0)],
  [areaUnderCurve(300, 0.9, 1.8123876)],
  [areaUnderCurve(300, 0.97, 2.659855), WIDE],
  [areaUnderCurve(60, 0.9, 1.8123876), WIDE],
  [areaUnderCurve(60, 0.97, 2.659855), WIDE],
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
  [skills(8)],
  [skills(32)],
  [skills(128)],
];

function measured(statistic: Statistic) {
  if (statistic.value === null) throw new Error(statistic.reason);
  return statistic;
}

const within = ({ low, high }: Interval, truth: number): boolean => low <= truth && truth <= high;

export const percent = (share: number): string => (100 * share).toFixed(1);

export const cells = (...each: (string | number)[]): string => `| ${each.join(' | ')} |`;

function covered(
  population: Population,
  excuse: string | undefined,
  { sets, resamples }: CoverageOptions,
): Simulated {
  const held = { own: 0, percentile: 0, paired: 0, none: 0 };
  const widths: number[] = [];
  for (let set = 0; set < sets; set++) {
    const [found, other] = population.evaluate(set, resamples);
    const own = interval(measured(found))!;
    widths.push(own.high - own.low);
    if (own.high === own.low) held.none++;
    if (within(own, population.truth)) held.own++;
    if (within(percentileInterval(measured(found).samples), population.truth)) held.percentile++;
    if (other === undefined || population.difference === undefined) continue;
    if (within(interval(measured(difference(found, other)))!, population.difference)) held.paired++;
  }
  const share = held.own / sets;
  const isHeld = share >= 0.92 && share <= 0.98;
  const row = cells(
    population.name,
    population.size,
    `**${percent(share)}**`,
    percent(held.percentile / sets),
    median(widths).toPrecision(2),
    percent(held.none / sets),
    population.difference === undefined ? '' : percent(held.paired / sets),
    isHeld ? '' : `not 92–98: ${excuse ?? 'NOT EXPECTED'}`,
  );
  return { row, expected: isHeld || excuse !== undefined };
}

interface Board {
  saes: number;
  rows: number;
  /** From one SAE to the next, in standard errors of a difference. */
  step: number;
  /** Boards of this kind for each one asked for. */
  share: number;
  excuse?: string;
}

/** Share of boards of which a pair may be told apart wrongly. */
const WRONG = 0.05;

const boards: readonly Board[] = [
  { saes: 2, rows: 8, step: 0, share: 4 },
  { saes: 2, rows: 32, step: 0, share: 4 },
  { saes: 2, rows: 128, step: 0, share: 4 },
  { saes: 5, rows: 8, step: 0, share: 2, excuse: 'resamples of so few rows' },
  { saes: 5, rows: 128, step: 0, share: 2 },
  { saes: 30, rows: 32, step: 0, share: 1 },
  { saes: 30, rows: 128, step: 0, share: 1 },
  { saes: 250, rows: 128, step: 0, share: 0.4 },
  { saes: 5, rows: 128, step: 2, share: 2 },
  { saes: 30, rows: 128, step: 2, share: 1 },
  { saes: 250, rows: 128, step: 2, share: 0.2 },
];

function toldApart({ saes, rows, step, share, excuse }: Board, options: CoverageOptions): Simulated {
  const runs = Math.ceil(share * options.boards);
  const total = { wrong: 0, alone: 0, resolved: 0, open: 0 };
  const before = process.threadCpuUsage();
  for (let set = 0; set < runs; set++) {
    const found = simulateBoard(set, { saes, rows, gap: step, count: options.resamples }, saes <= ALONE);
    if (found.wrong > 0) total.wrong++;
    if (found.wrongAlone > 0) total.alone++;
    total.resolved += found.resolved / ((saes * (saes - 1)) / 2);
    total.open += found.open;
  }
  const { user, system } = process.threadCpuUsage(before);
  // Of so few boards a share is told to within three standard errors.
  const isHeld = total.wrong / runs <= WRONG + 3 * Math.sqrt((WRONG * (1 - WRONG)) / runs);
  const row = cells(
    saes,
    rows,
    step,
    runs,
    `**${percent(total.wrong / runs)} %**`,
    saes <= ALONE ? `${percent(total.alone / runs)} %` : '',
    `${percent(total.resolved / runs)} %`,
    (1 + total.open / runs).toFixed(1),
    ((user + system) / 1e6 / runs).toFixed(2),
    isHeld ? '' : `above ${percent(WRONG)}: ${excuse ?? 'NOT EXPECTED'}`,
  );
  return { row, expected: isHeld || excuse !== undefined };
}

export const lines: readonly Line[] = [
  ...populations.map(
    ([population, excuse]): Line => ({
      table: 'values',
      name: population.name,
      simulate: (options) => covered(population, excuse, options),
    }),
  ),
  ...boards.map(
    (board): Line => ({ table: 'boards', name: 'boards', simulate: (options) => toldApart(board, options) }),
  ),
];

parentPort?.on('message', (index: number) => {
  parentPort?.postMessage(lines[index]!.simulate(workerData as CoverageOptions));
});
