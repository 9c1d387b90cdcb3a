/** k-sparse probing, TPP and SCR of a record as lines over k or N, and as rows of a table. Pure. */
import type { DefinitionId } from '../../runner/report/definitions.ts';
import type { EvaluationRecord, Measure } from '../../runner/report/schema.ts';
import type { LinePoint, LineSeries } from '../charts/line-chart.ts';
import { describeMeasure, type MeasureText } from './format.ts';

type KSparse = NonNullable<EvaluationRecord['k_sparse']>;
type Tpp = NonNullable<EvaluationRecord['tpp_saebench']>;
type Scr = NonNullable<EvaluationRecord['scr_saebench']>;

export interface ConceptPanel {
  /** Distinguishes the panel inside one page. */
  key: string;
  title: string;
  definition: DefinitionId;
  /** What the lines are, where their names are short. */
  note: string;
  /** What x counts: k or N. */
  xLabel: string;
  series: LineSeries[];
  /** Values the y axis must reach. */
  include: number[];
  /** One a value of x. */
  columns: string[];
  rows: { at: number; cells: MeasureText[] }[];
  /** Where the values are means over several data sets: each one's, a column a value of x. */
  sets: { name: string; cells: MeasureText[] }[];
}

/** Accuracy and AUROC over k: the SAE's latents, raw residual channels, and the whole residual as ceiling. */
export function kSparsePanels({ points, ceiling, definitions, data_sets }: KSparse): ConceptPanel[] {
  const panel = (
    key: 'accuracy' | 'auroc',
    title: string,
    baseline: 'baseline_accuracy' | 'baseline_auroc',
  ): ConceptPanel => {
    const top = ceiling[key];
    const definition = definitions[key];
    return {
      key,
      title,
      definition,
      note: 'Lines: the SAE’s latents, raw channels of the residual, and a probe on all of them.',
      xLabel: 'latents or channels (k)',
      series: drawn([
        { label: 'SAE', points: points.flatMap((point) => placed(point.k, point[key])) },
        { label: 'channels', points: points.flatMap((point) => placed(point.k, point[baseline])) },
        // Without whiskers: one value, and its interval stands in the table.
        {
          label: 'ceiling',
          points: points.flatMap(({ k }) => (top.value === null ? [] : [{ x: k, y: top.value }])),
        },
      ]),
      include: [0.5],
      columns: ['k', 'SAE latents', 'Residual channels', 'Whole residual'],
      rows: points.map((point) => ({
        at: point.k,
        cells: [point[key], point[baseline], top].map((measure) => describeMeasure(measure, definition)),
      })),
      sets: eachSet(
        data_sets.map((set) => ({
          name: set.name,
          measures: points.map(({ k }) => set.points.find((point) => point.k === k)?.[key]),
        })),
        definition,
      ),
    };
  };
  return [
    panel('accuracy', 'k-sparse probing: accuracy', 'baseline_accuracy'),
    panel('auroc', 'k-sparse probing: AUROC', 'baseline_auroc'),
  ];
}

export function tppPanel({ definition, points, data_sets }: Tpp): ConceptPanel {
  return {
    key: 'tpp',
    title: 'Targeted probe perturbation',
    definition,
    note: 'TPP is the fall of the class’s own probe less the mean fall of the others.',
    xLabel: 'latents set to zero (N)',
    series: drawn([
      { label: 'TPP', points: points.flatMap(({ n, value }) => placed(n, value)) },
      { label: 'own', points: points.flatMap(({ n, intended }) => placed(n, intended)) },
      { label: 'others', points: points.flatMap(({ n, unintended }) => placed(n, unintended)) },
    ]),
    include: [0],
    columns: ['N', 'TPP', 'Fall of the class’s own probe', 'Mean fall of the others'],
    rows: points.map(({ n, value, intended, unintended }) => ({
      at: n,
      cells: [value, intended, unintended].map((measure) => describeMeasure(measure, definition)),
    })),
    sets: eachSet(
      data_sets.map((set) => ({
        name: set.name,
        measures: points.map(({ n }) => set.points.find((point) => point.n === n)?.value),
      })),
      definition,
    ),
  };
}

/** The mean over the pairs, and each pair. */
export function scrPanel({ definition, points, pairs }: Scr): ConceptPanel {
  const at = (pair: Scr['pairs'][number], n: number): Measure | undefined =>
    pair.points.find((point) => point.n === n)?.value;
  return {
    key: 'scr',
    title: 'Spurious correlation removal',
    definition,
    note: 'Mean over the pairs; below 0 the probe got worse.',
    xLabel: 'latents set to zero (N)',
    series: drawn([{ label: 'SCR', points: points.flatMap(({ n, value }) => placed(n, value)) }]),
    include: [0],
    columns: ['N', 'SCR', ...pairs.map(describePair)],
    rows: points.map(({ n, value }) => ({
      at: n,
      cells: [value, ...pairs.map((pair) => at(pair, n))].map((measure) =>
        describeMeasure(measure, definition),
      ),
    })),
    sets: [],
  };
}

/** A panel's last value of each line, in words. */
export function describePanel({ series }: ConceptPanel, format: (value: number) => string): string {
  const words = series.map(({ label, points }) => `${label} ${format(points.at(-1)?.y ?? Number.NaN)}`);
  return `Last values: ${words.join(', ')}. All values stand in the table below.`;
}

/** What a pair keeps and removes, or its name where it does not say. */
export function describePair({ name, kept, removed }: Scr['pairs'][number]): string {
  return kept === null || removed === null ? name : `${kept}, without ${removed}`;
}

/** How many texts a set or pair was probed on, in a line. */
export function describeRows(of: { train_rows: number | null; test_rows: number | null }): string {
  if (of.train_rows === null || of.test_rows === null) return 'texts not counted';
  return `${of.train_rows} training and ${of.test_rows} test texts a task`;
}

function eachSet(
  sets: readonly { name: string; measures: readonly (Measure | undefined)[] }[],
  definition: DefinitionId,
): ConceptPanel['sets'] {
  if (sets.length < 2 || sets.every(({ measures }) => measures.every((measure) => measure?.value == null)))
    return [];
  return sets.map(({ name, measures }) => ({
    name,
    cells: measures.map((measure) => describeMeasure(measure, definition)),
  }));
}

function placed(x: number, measure: Measure): LinePoint[] {
  if (measure.value === null) return [];
  return [{ x, y: measure.value, low: measure.interval?.low, high: measure.interval?.high }];
}

function drawn(series: readonly LineSeries[]): LineSeries[] {
  return series.filter(({ points }) => points.length > 0);
}
