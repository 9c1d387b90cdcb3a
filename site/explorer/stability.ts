/**
 * How far a ranking holds: how often each SAE is first over the stored resamples, or over random weights, and which ranks
 * the resamples leave open under weights of the reader's own. Loaded when asked for. Pure.
 */
import { quantiles } from '../../runner/math/quantile.ts';
import { random } from '../../runner/math/random.ts';
import { intervalsApart, resolve } from '../../runner/report/board.ts';
import { type Columns, drawsAt, type ModelDraws } from '../lib/columns.ts';
import { componentColumns, composite, shares, type Weights } from './composite.ts';
import type { Standing, Standings } from './standing.ts';

/** Sets of weights that are tried, drawn evenly over all that sum to 1. */
const WEIGHT_DRAWS = 2_000;

/**
 * How often each of several series is the largest; ties share.
 *
 * @param series [SAE][draw], all of one length
 */
export function firstShares(series: readonly ArrayLike<number>[]): number[] {
  const counts = new Array<number>(series.length).fill(0);
  const draws = series[0]?.length ?? 0;
  for (let draw = 0; draw < draws; draw++) {
    let most = Number.NEGATIVE_INFINITY;
    for (const each of series) most = Math.max(most, each[draw]!);
    const first = series.flatMap((each, i) => (each[draw] === most ? [i] : []));
    for (const i of first) counts[i]! += 1 / first.length;
  }
  return counts.map((count) => count / draws);
}

/** Weights drawn evenly over all that sum to 1, the same each time. */
export function randomWeights(parts: number, count: number): number[][] {
  const stream = random('weights of a composite');
  return Array.from({ length: count }, () => {
    // Exponentials over their sum: the flat Dirichlet distribution.
    const each = Array.from({ length: parts }, () => -Math.log(1 - stream.next()));
    return shares(each);
  });
}

/** Of each ranked row the share of random weights with which it is first in its group; rows need every component. */
export function firstByWeights(columns: Columns): (number | null)[] {
  const each = componentColumns(columns);
  const weights = randomWeights(each.length, WEIGHT_DRAWS);
  const found = new Array<number | null>(columns.count).fill(null);
  for (const members of ranked(columns).values()) {
    const complete = members.filter((row) => each.every((column) => column[row] != null));
    const series = complete.map((row) => {
      const values = each.map((column) => column[row] ?? null);
      return weights.map((drawn) => composite(values, drawn)!);
    });
    firstShares(series).forEach((share, i) => {
      found[complete[i]!] = share;
    });
  }
  return found;
}

/** The composite of a row in every resample, and which rows it was resampled over. */
export interface DrawnComposite {
  row: number;
  /** Equal only where resamples may be compared one by one. */
  over: string;
  samples: Float64Array;
}

/** Rows without resamples of a component that counts are left out. */
export function drawnComposites(files: readonly ModelDraws[], weights: Weights): DrawnComposite[] {
  const share = shares(weights);
  return files.flatMap((file, number) =>
    file.rows.flatMap((row, i) => {
      const parts = share.flatMap((weight, part) =>
        weight > 0 ? [{ weight, over: file.over[i]![part], draws: drawsAt(file, i, part) }] : [],
      );
      const first = parts[0]?.draws;
      if (first == null || parts.some(({ draws }) => draws === null || draws.length !== first.length))
        return [];
      const samples = new Float64Array(first.length);
      for (const { weight, draws } of parts) {
        for (let b = 0; b < samples.length; b++) samples[b]! += weight * draws![b]!;
      }
      return [{ row, over: [number, ...parts.map(({ over }) => over)].join(' '), samples }];
    }),
  );
}

/** What the resamples say of the composite: shares of being first, intervals, and the ranks they leave open. */
export interface Resampled {
  first: (number | null)[];
  low: (number | null)[];
  high: (number | null)[];
  standings: Standings;
}

/**
 * Rows of a group are judged as the board judges the published composite: those over the same rows together by their
 * resamples, others by their intervals. What has no resamples is told apart from nothing, and stands by its value alone.
 *
 * @param values the composite of every row, by the same weights as the resamples
 */
export function resampled(
  columns: Columns,
  values: readonly (number | null)[],
  drawn: readonly DrawnComposite[],
): Resampled {
  const empty = (): (number | null)[] => new Array<number | null>(columns.count).fill(null);
  const [first, low, high] = [empty(), empty(), empty()];
  const standings = new Array<Standing | null>(columns.count).fill(null);
  const byRow = new Map(drawn.map((each) => [each.row, each]));
  for (const { row, samples } of drawn) {
    const [from, to] = quantiles(samples, [0.025, 0.975]);
    [low[row], high[row]] = [from!, to!];
  }
  for (const all of ranked(columns).values()) {
    const members = all.filter((row) => values[row] != null);
    const judged = members.flatMap((row) => byRow.get(row) ?? []);
    const places = new Map<number, number>();
    const boards = new Map(
      [...Map.groupBy(judged, ({ over }) => over)].map(([over, board]) => {
        firstShares(board.map(({ samples }) => samples)).forEach((share, i) => {
          first[board[i]!.row] = share;
          places.set(board[i]!.row, i);
        });
        const series = board.map(({ row, samples }) => {
          return { value: values[row]!, samples, influences: null, rows: over };
        });
        return [over, resolve(series)];
      }),
    );
    const pairs = (judged.length * (judged.length - 1)) / 2;
    const bounded = (row: number) => ({ value: values[row]!, low: low[row]!, high: high[row]! });
    const apart = (one: DrawnComposite, two: DrawnComposite): boolean =>
      one.over === two.over
        ? boards.get(one.over)!(places.get(one.row)!, places.get(two.row)!)
        : intervalsApart(bounded(one.row), bounded(two.row), pairs);
    for (const row of members) {
      const own = byRow.get(row);
      const told =
        own === undefined
          ? members
          : judged.filter((other) => other !== own && apart(own, other)).map((other) => other.row);
      const better = told.filter((other) => values[other]! > values[row]!).length;
      const worse = told.filter((other) => values[other]! < values[row]!).length;
      standings[row] =
        own === undefined
          ? { best: 1 + better, worst: 1 + better, resolved: false }
          : { best: 1 + better, worst: members.length - worse, resolved: true };
    }
  }
  return { first, low, high, standings };
}

/** Rows that are ranked, by the group they are ranked in. */
function ranked({ rank, count }: Columns): Map<number, number[]> {
  const rows = Array.from({ length: count }, (_, row) => row).filter((row) => rank.group[row] != null);
  return Map.groupBy(rows, (row) => rank.group[row]!);
}
