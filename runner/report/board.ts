/**
 * A ranking that says what it knows: for each SAE the range of ranks its evaluation leaves open. Of K SAEs there are
 * K(K−1)/2 differences, and of so many 95 % intervals some leave out a true zero; so all differences of a board are
 * judged together, by one limit that the largest of them crosses in 5 % of resamples (the maximum statistic; Romano and
 * Wolf 2005, Mogstad et al. 2024 for ranks). A rank then ranges from 1 + those resolved as better to K − those resolved
 * as worse, and with 95 % confidence all true ranks lie in their ranges. Free of zod.
 */
import { freedomOf, type VariancePart, variancePart } from '../math/freedom.ts';
import { quantiles } from '../math/quantile.ts';
import { NORMAL_QUANTILE, normalTail, studentTail } from '../math/student.ts';
import { measureOf } from './measures.ts';
import { type Drawn, drawsOf } from './paired.ts';
import { nameOf } from './paired-draws.ts';
import type { EvaluationRecord } from './schema.ts';

export interface Standing {
  /** The ranks that the evaluation leaves open, 1 the highest value. */
  from: number;
  to: number;
  /** Numbers of the others it was compared with and not told apart from. */
  unresolved: readonly number[];
}

const LEVEL = 0.95;

/** A value and the ends of its 95 % interval. */
export interface Bounded {
  value: number;
  low: number;
  high: number;
}

/**
 * The standing of each record, in their order; null for one without a value, or without an interval: nothing says what
 * its rank leaves open. Records over the same rows are compared by their resamples, others by their intervals.
 */
export function standings(records: readonly EvaluationRecord[], id: string): (Standing | null)[] {
  const values = records.map((record) => {
    const measure = measureOf(record, id);
    if (measure?.value == null || measure.interval === null) return null;
    return { value: measure.value, ...measure.interval } satisfies Bounded;
  });
  const ranked = values.flatMap((value, place) => (value === null ? [] : [place]));
  const groups = Map.groupBy(
    ranked.flatMap((place) => {
      const drawn = drawsOf(records[place]!, id);
      return drawn === null ? [] : [{ place, drawn }];
    }),
    ({ drawn }) => drawn.rows,
  );
  const paired = new Map<number, { rows: string; at: number }>();
  const resolvers = new Map<string, (i: number, j: number) => boolean>();
  for (const [rows, group] of groups) {
    resolvers.set(rows, resolve(group.map(({ drawn }) => drawn)));
    group.forEach(({ place }, at) => {
      paired.set(place, { rows, at });
    });
  }
  const pairs = (ranked.length * (ranked.length - 1)) / 2;
  const standing = records.map((_, place) =>
    values[place] === null ? null : { from: 1, to: ranked.length, unresolved: [] as number[] },
  );
  for (const [i, one] of ranked.entries()) {
    for (const two of ranked.slice(i + 1)) {
      const [a, b] = [paired.get(one), paired.get(two)];
      const together = a !== undefined && a.rows === b?.rows;
      const apart = together
        ? resolvers.get(a.rows)!(a.at, b.at)
        : intervalsApart(values[one]!, values[two]!, pairs);
      const [first, second] = [standing[one]!, standing[two]!];
      if (!apart) {
        first.unresolved.push(two);
        second.unresolved.push(one);
        continue;
      }
      const [better, worse] = values[one]!.value > values[two]!.value ? [first, second] : [second, first];
      better.to--;
      worse.from++;
    }
  }
  return standing;
}

/**
 * Of values over different rows, whose errors are independent: whether the difference stands out of the two intervals
 * together, at the share of the 5 % that one of so many pairs has (Bonferroni).
 */
export function intervalsApart(a: Bounded, b: Bounded, pairs: number): boolean {
  const [high, low] = a.value > b.value ? [a, b] : [b, a];
  const facing = Math.hypot(high.value - high.low, low.high - low.value) / NORMAL_QUANTILE;
  const difference = high.value - low.value;
  if (facing === 0) return difference > 0;
  return normalTail(difference / facing) < (1 - LEVEL) / 2 / pairs;
}

/** Which of the values over the same rows are told apart, all pairs judged together. */
export function resolve(board: readonly Drawn[]): (i: number, j: number) => boolean {
  const size = board.length;
  const away = board.map(({ value, samples }) => samples.map((sample) => sample - value));
  const count = away[0]?.length ?? 0;
  const deviation = new Float64Array(size * size);
  const largest = new Float64Array(count);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < i; j++) {
      const [one, two] = [away[i]!, away[j]!];
      let [sum, squares] = [0, 0];
      for (let b = 0; b < count; b++) {
        const difference = one[b]! - two[b]!;
        sum += difference;
        squares += difference * difference;
      }
      const spread = Math.sqrt(Math.max(0, squares / count - (sum / count) ** 2));
      deviation[i * size + j] = spread;
      if (!(spread > 0)) continue;
      for (let b = 0; b < count; b++) {
        const standardised = Math.abs(one[b]! - two[b]!) / spread;
        if (standardised > largest[b]!) largest[b] = standardised;
      }
    }
  }
  const [limit] = quantiles(largest, [LEVEL]);
  const tail = normalTail(limit!);
  const exact = standardErrors(board);
  return (i, j) => {
    const spread = deviation[Math.max(i, j) * size + Math.min(i, j)]!;
    if (!(spread > 0)) return false;
    const difference = Math.abs(board[i]!.value - board[j]!.value);
    if (exact === null) return difference > limit! * spread;
    const { error, freedom } = exact(i, j);
    if (error === 0) return difference > 0;
    // Student's tail beyond the difference against the normal's beyond the limit: the same as comparing quantiles.
    return difference > limit! * error && studentTail(difference / error, freedom) < tail;
  };
}

/**
 * The standard error of a difference, from the influences of the blocks, with its degrees of freedom: few blocks, or few
 * that carry the difference, tell their own spread badly, and the limit is Student's in the place of the normal's. Null
 * where a record has no influences.
 */
function standardErrors(board: readonly Drawn[]) {
  const sources = new Map(
    board.flatMap(({ influences }) =>
      (influences ?? []).map(({ source }) => [nameOf(source), source] as const),
    ),
  );
  const strata = [...sources.values()].flatMap((source) => source.strata);
  const vectors: Float64Array[] = [];
  for (const { influences } of board) {
    if (influences === null) return null;
    const parts = [...sources].map(([name, source]) => {
      const values = influences.find((each) => nameOf(each.source) === name)?.values;
      const scales = source.strata.flatMap((n) =>
        new Array<number>(n).fill(n > 1 ? 1 / Math.sqrt(n * (n - 1)) : 0),
      );
      return scales.map((scale, i) => scale * (values?.[i] ?? 0));
    });
    vectors.push(Float64Array.from(parts.flat()));
  }
  return (i: number, j: number): { error: number; freedom: number } => {
    const [one, two] = [vectors[i]!, vectors[j]!];
    let [variance, at] = [0, 0];
    const parts: VariancePart[] = [];
    for (const n of strata) {
      const part = variancePart(one.subarray(at, at + n).map((value, i) => value - two[at + i]!));
      at += n;
      variance += part.squares;
      parts.push(part);
    }
    return { error: Math.sqrt(variance), freedom: freedomOf(parts) };
  };
}
