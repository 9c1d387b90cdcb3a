/** How far each metric deserves belief: what it has to do with the true features, its noise, and its power along training. */
import { quantiles } from '../../runner/math/quantile.ts';
import { random } from '../../runner/math/random.ts';
import { mean } from '../../runner/math/sum.ts';

/** One SAE as one evaluation saw it. */
export interface Seen {
  /** Architecture, sparsity and width: what interval resamples draw. */
  configuration: string;
  width: number;
  /** Of weights and samples. */
  seed: number;
  /** Training steps. */
  length: number;
  evaluationSeed: number;
  values: Readonly<Record<string, number | null>>;
}

export interface Figure {
  value: number;
  /** 95 %, over configurations. */
  interval: [number, number];
}

export interface MetricFigures {
  /** Spearman's rank correlation with F1 and with MCC, over all SAEs. */
  f1: Figure | null;
  mcc: Figure | null;
  /** The same with the ranks of L0 and the width held equal. */
  f1_equal_l0: Figure | null;
  mcc_equal_l0: Figure | null;
  /** Standard deviation over seeds, and over evaluation seeds, by that over all SAEs. */
  seed_noise: number | null;
  evaluation_noise: number | null;
  /** Probability that an SAE trained for the next length has the larger value than one of another seed. */
  power: Figure | null;
}

const L0 = 'l0@v1';
const TARGETS = { f1: 'f1@synthsaebench', mcc: 'mcc@synthsaebench' };

/** @param lengths ascending */
export function figuresOf(
  id: string,
  all: readonly Seen[],
  lengths: readonly number[],
  resamples = 1_000,
): MetricFigures {
  const seen = all.filter(({ values }) => typeof values[id] === 'number');
  if (seen.length === 0) throw new Error(`${id}: found no value of it`);
  const first = Math.min(...seen.map(({ evaluationSeed }) => evaluationSeed));
  const saes = seen.filter(({ evaluationSeed }) => evaluationSeed === first);
  const of = (each: Seen): number => each.values[id]!;
  const correlated = (target: string, equal: boolean): Figure | null =>
    id === target || (equal && id === L0)
      ? null
      : overConfigurations(saes, resamples, (some) => {
          const [x, y] = [ranks(some.map(of)), ranks(some.map(({ values }) => values[target]!))];
          if (!equal) return correlation(x, y);
          const held = [
            ranks(some.map(({ values }) => values[L0]!)),
            ...[...new Set(some.map(({ width }) => width))]
              .slice(1)
              .map((width) => some.map((each) => Number(each.width === width))),
          ];
          return correlation(without(x, held), without(y, held));
        });
  const spread = Math.sqrt(variance(saes.map(of)));
  const noise = (list: readonly Seen[], key: (each: Seen) => string): number | null => {
    const groups = [...Map.groupBy(list, key).values()].filter(({ length }) => length > 1);
    if (groups.length === 0 || spread === 0) return null;
    return Math.sqrt(mean(groups.map((group) => variance(group.map(of))))) / spread;
  };
  return {
    f1: correlated(TARGETS.f1, false),
    mcc: correlated(TARGETS.mcc, false),
    f1_equal_l0: correlated(TARGETS.f1, true),
    mcc_equal_l0: correlated(TARGETS.mcc, true),
    seed_noise: noise(saes, ({ configuration, length }) => `${configuration} ${length}`),
    evaluation_noise: noise(seen, ({ configuration, length, seed }) => `${configuration} ${length} ${seed}`),
    power: overConfigurations(saes, resamples, (some) => powerOf(some, of, lengths)),
  };
}

/** Of all pairs of one configuration, of successive lengths and different seeds; a tie is a half. */
function powerOf(saes: readonly Seen[], of: (each: Seen) => number, lengths: readonly number[]): number {
  let [won, pairs] = [0, 0];
  for (const group of Map.groupBy(saes, ({ configuration }) => configuration).values()) {
    for (const early of group) {
      const next = lengths[lengths.indexOf(early.length) + 1];
      for (const late of group) {
        if (late.length !== next || late.seed === early.seed) continue;
        pairs++;
        won += (1 + Math.sign(of(late) - of(early))) / 2;
      }
    }
  }
  return won / pairs;
}

/** Of a figure its value, and its percentiles where configurations are drawn again; null where it is none. */
function overConfigurations(
  saes: readonly Seen[],
  resamples: number,
  figure: (some: Seen[]) => number,
): Figure | null {
  const value = figure([...saes]);
  if (!Number.isFinite(value)) return null;
  const groups = [...Map.groupBy(saes, ({ configuration }) => configuration).values()];
  const stream = random('metric study');
  const drawn: number[] = [];
  for (let b = 0; b < resamples; b++) {
    // Drawn twice, a configuration is two of them.
    const some = groups.flatMap((_, i) =>
      groups[stream.integer(groups.length)]!.map((each) => ({ ...each, configuration: String(i) })),
    );
    const again = figure(some);
    if (Number.isFinite(again)) drawn.push(again);
  }
  return { value, interval: quantiles(drawn, [0.025, 0.975]) as [number, number] };
}

/** From 1 on; equal values share the mean of their ranks. */
export function ranks(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((a, b) => values[a]! - values[b]!);
  const found = new Array<number>(values.length);
  for (let from = 0, to = 0; from < order.length; from = to) {
    while (to < order.length && values[order[to]!] === values[order[from]!]) to++;
    for (let at = from; at < to; at++) found[order[at]!] = (from + 1 + to) / 2;
  }
  return found;
}

/** Pearson's; NaN where either does not vary. */
export function correlation(x: readonly number[], y: readonly number[]): number {
  const [meanX, meanY] = [mean(x), mean(y)];
  let [xy, xx, yy] = [0, 0, 0];
  x.forEach((value, i) => {
    xy += (value - meanX) * (y[i]! - meanY);
    xx += (value - meanX) ** 2;
    yy += (y[i]! - meanY) ** 2;
  });
  // What rounding leaves of a constant is none.
  return Math.min(xx, yy) > 1e-9 ? xy / Math.sqrt(xx * yy) : Number.NaN;
}

/** What least squares on `held`, one after the other made orthogonal, leaves of the values. */
function without(values: readonly number[], held: readonly (readonly number[])[]): number[] {
  const basis: number[][] = [];
  const reduced = (list: readonly number[]): number[] => {
    const average = mean(list);
    return basis.reduce(
      (left, each) => {
        const share = dot(left, each) / dot(each, each);
        return left.map((value, i) => value - share * each[i]!);
      },
      list.map((value) => value - average),
    );
  };
  for (const list of held) {
    const own = reduced(list);
    if (dot(own, own) > 1e-9) basis.push(own);
  }
  return reduced(values);
}

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, i) => sum + value * b[i]!, 0);

function variance(values: readonly number[]): number {
  const average = mean(values);
  return values.reduce((sum, value) => sum + (value - average) ** 2, 0) / (values.length - 1);
}
