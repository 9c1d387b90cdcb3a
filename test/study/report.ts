/** The study's result: what the site shows, and a table for the terminal. */
import type { MetricStudy } from '../../runner/report/metric-study.ts';
import type { Design } from './design.ts';
import { type Figure, figuresOf, type MetricFigures, type Seen } from './figures.ts';

export function reportOf(
  seen: readonly Seen[],
  { design, features, d }: { design: Design; features: number; d: number },
): { data: MetricStudy; table: string } {
  const ids = [...new Set(seen.flatMap(({ values }) => Object.keys(values)))];
  const metrics = ids.flatMap((id) => {
    const [definition, at] = id.split(' at ');
    const known = seen.some(({ values }) => typeof values[id] === 'number');
    if (!known) return [];
    return [
      {
        definition: definition!,
        at: at === undefined ? null : Number(at),
        ...rounded(figuresOf(id, seen, design.lengths)),
      },
    ];
  });
  const distinct = (key: (each: Seen) => string | number): number => new Set(seen.map(key)).size;
  const data: MetricStudy = {
    features,
    d,
    widths: [...design.widths],
    lengths: design.lengths.map((steps) => steps * design.batch),
    samples: design.samples,
    configurations: distinct(({ configuration }) => configuration),
    seeds: distinct(({ seed }) => seed),
    evaluation_seeds: distinct(({ evaluationSeed }) => evaluationSeed),
    saes: distinct(({ configuration, seed, length }) => `${configuration} ${seed} ${length}`),
    metrics,
  };
  return { data, table: tableOf(metrics) };
}

const round = (value: number): number => Math.round(1e3 * value) / 1e3;

function rounded(figures: MetricFigures): MetricFigures {
  const of = (figure: Figure | null): Figure | null =>
    figure && {
      value: round(figure.value),
      interval: [round(figure.interval[0]), round(figure.interval[1])],
    };
  const { seed_noise, evaluation_noise, ...others } = figures;
  return {
    f1: of(others.f1),
    mcc: of(others.mcc),
    f1_equal_l0: of(others.f1_equal_l0),
    mcc_equal_l0: of(others.mcc_equal_l0),
    power: of(others.power),
    seed_noise: seed_noise === null ? null : round(seed_noise),
    evaluation_noise: evaluation_noise === null ? null : round(evaluation_noise),
  };
}

function tableOf(metrics: MetricStudy['metrics']): string {
  const figure = (each: Figure | null): string =>
    each === null
      ? 'none'
      : `${each.value.toFixed(2)} [${each.interval.map((end) => end.toFixed(2)).join(', ')}]`;
  const noise = (value: number | null): string => (value === null ? 'none' : value.toFixed(2));
  return [
    '| metric | with F1 | with MCC | F1, equal L0 | MCC, equal L0 | noise of seeds | of evaluations | power |',
    '|---|---|---|---|---|---|---|---|',
    ...metrics
      .map((each) =>
        [
          each.at === null ? each.definition : `${each.definition}, ${each.at}`,
          figure(each.f1),
          figure(each.mcc),
          figure(each.f1_equal_l0),
          figure(each.mcc_equal_l0),
          noise(each.seed_noise),
          noise(each.evaluation_noise),
          figure(each.power),
        ].join(' | '),
      )
      .map((row) => `| ${row} |`),
  ].join('\n');
}
