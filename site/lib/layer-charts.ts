/** Metrics against layer depth: a chart a definition, a line a release (or what else sets SAEs of a layer apart). */
import {
  baseDefinitionIds,
  type DefinitionId,
  definitionIds,
  definitions,
} from '../../runner/report/definitions.ts';
import { measureOf } from '../../runner/report/measures.ts';
import { isAtOneLayer } from '../../runner/report/place-site.ts';
import type { EvaluationRecord, Measure } from '../../runner/report/schema.ts';
import { fixed } from '../charts/formats.ts';
import { CONTROL } from '../charts/palette.ts';
import { extent } from '../charts/scale.ts';
import type { ChartSpec, SeriesSpec } from '../charts/spec.ts';
import { untrainedValue } from './controls.ts';
import { formatTokens } from './format.ts';
import { placeWords } from './hook-words.ts';
import { LABEL_LENGTH, variantsOf } from './short-labels.ts';
import { isFlat } from './trajectory-metrics.ts';
import { definitionAnchor } from './url.ts';

/** SAEs that are one line: of one release, alike in all but their layer. */
export interface LayerLine {
  label: string;
  records: readonly EvaluationRecord[];
}

export interface LayerChart {
  definition: DefinitionId;
  spec: ChartSpec;
  /** Whether every layer says the same. */
  flat: boolean;
  /** Whether it is among what one looks at first. */
  leads: boolean;
  /** Over which every value was taken, tokens; null where they differ or say none. */
  window: number | null;
}

/** What one looks at first. */
const leading: readonly DefinitionId[] = [
  'interpscore@0.0.1',
  'var_exp@pooled-v1',
  'var_exp@chunk-v1',
  'loss_recovered@interpscore-0.0.1',
  'loss_recovered@saebench-core',
  'alive@v1',
  'dead_fraction@v1',
  'probe_auc_dense@interpscore-0.0.1',
  'tpp@interpscore-0.0.1',
];

/** What is drawn together. */
export interface LayerPicture {
  /** What transcoders read and reconstruct; null of SAEs of one hook. */
  heading: string | null;
  /** Those that are drawn. */
  lines: readonly LayerLine[];
  /** Lines beyond those. */
  more: number;
  charts: readonly LayerChart[];
}

/** Lines that can be told apart in one picture. */
export const MOST_LINES = 12;

/**
 * SAEs of one hook share a picture. Transcoders have one for each pair of hooks: what they explain is of another hook than
 * the one they read; crosscoders of two models one of their own.
 */
export function layerPictures(
  releases: readonly { label: string; records: readonly EvaluationRecord[] }[],
  title: string,
  prefix: string,
  most = MOST_LINES,
): LayerPicture[] {
  const place = ({ sae }: EvaluationRecord): string | null =>
    (sae.reads ?? sae.places) === undefined ? null : placeWords(sae);
  const headings = new Set(releases.flatMap(({ records }) => records.map(place)));
  return [...headings]
    .sort((a, b) => Number(a !== null) - Number(b !== null))
    .flatMap((heading, i) => {
      const alike = releases.map(({ label, records }) => ({
        label,
        records: records.filter((entry) => place(entry) === heading),
      }));
      const all = layerLines(alike);
      const lines = all.slice(0, most);
      const charts = layerCharts(lines, title, i === 0 ? prefix : `${prefix}-${i}`);
      return charts.length === 0 ? [] : [{ heading, lines, more: all.length - lines.length, charts }];
    });
}

/** Lines whose names find room at their ends; a name longer than those of variants does not. */
const LABELLED = 4;

/** Whether a key names the lines, as their ends have no room. */
export function needsKey(lines: readonly LayerLine[]): boolean {
  return (
    lines.length > LABELLED || lines.some(({ label }) => lines.length > 1 && label.length > LABEL_LENGTH)
  );
}

/** @param releases each a name and its records; lines of one release are told apart by what differs among them */
export function layerLines(
  releases: readonly { label: string; records: readonly EvaluationRecord[] }[],
): LayerLine[] {
  return releases.flatMap(({ label, records: all }) => {
    // A cross-layer transcoder stands at no single layer, and neither does a crosscoder of several hooks.
    const records = all.filter(({ sae }) => isAtOneLayer(sae));
    const variants = variantsOf(records);
    const lines = Map.groupBy(records, (entry) => variants.get(entry)!.key);
    return [...lines.values()].map((group) => ({
      label: [releases.length > 1 && label, variants.get(group[0]!)!.label, sparsities(group)]
        .filter(Boolean)
        .join(' '),
      records: group.toSorted((a, b) => a.sae.layer - b.sae.layer),
    }));
  });
}

/** Of a line along which k changes, which moves every metric: k 16–64. */
function sparsities(line: readonly EvaluationRecord[]): string | false {
  const ks = line.flatMap(({ sae }) => sae.k ?? []);
  const [least, most] = extent(ks);
  return least < most && `k ${least}–${most}`;
}

/**
 * Charts of every definition that two layers have a value of.
 *
 * @param prefix of the charts' ids
 */
export function layerCharts(lines: readonly LayerLine[], title: string, prefix: string): LayerChart[] {
  const ordered = [...leading, ...baseDefinitionIds, ...definitionIds];
  return [...new Set(ordered)].flatMap((id) => {
    const series = lines.flatMap((line, index) => seriesOf(line, id, index));
    const layers = new Set(series.flatMap(({ x }) => x));
    if (layers.size < 2) return [];
    const { title: name, digits, short, unit } = definitions[id];
    const untrained = lines.flatMap((line) => untrainedOf(line, id));
    const windows = new Set(
      lines.flatMap(({ records }) => records.map((entry) => windowOf(measureOf(entry, id)))),
    );
    const [window] = windows.size === 1 ? [...windows] : [null];
    const blocks = lines[0]?.records[0]?.model.blocks;
    const lasts = series.map(({ label, x, y }) =>
      `${label} ${x.map((layer, i) => `layer ${layer}: ${y[i]!.toFixed(digits)}`).join(', ')}`.trim(),
    );
    return [
      {
        definition: id,
        leads: leading.includes(id),
        window: window ?? null,
        flat: isFlat([series.flatMap(({ y }) => y)]),
        spec: {
          id: `${prefix}-${definitionAnchor(id)}`,
          heading: name,
          title: `${name} by layer, ${title}`,
          description: `${lasts.join('; ')}.`,
          x: {
            label: blocks == null ? 'layer' : `layer (of ${blocks} blocks)`,
            scale: 'linear',
            ticks: 'count',
            values: 'count',
            include: [],
          },
          y: {
            label: unit === '' ? short : `${short}, ${unit}`,
            scale: 'linear',
            ticks: 'brief',
            values: fixed(digits),
          },
          series: [...series, ...(untrained.length === 0 ? [] : [untrainedSeries(untrained)])],
          labelled: !needsKey(lines),
          source: [id, window && `over ${formatTokens(window)} tokens`, 'whiskers: 95 % intervals']
            .filter(Boolean)
            .join(' · '),
        },
      } satisfies LayerChart,
    ];
  });
}

function windowOf(measure: Measure | undefined): number | null {
  return measure?.value == null ? null : (measure.window_tokens ?? null);
}

function seriesOf({ label, records }: LayerLine, id: DefinitionId, index: number): SeriesSpec[] {
  const points = records.flatMap((entry) => {
    const measure = measureOf(entry, id);
    return measure?.value == null
      ? []
      : [{ x: entry.sae.layer, y: measure.value, interval: measure.interval }];
  });
  if (points.length === 0) return [];
  return [
    {
      label,
      index,
      x: points.map(({ x }) => x),
      y: points.map(({ y }) => y),
      low: points.map(({ interval }) => interval?.low ?? null),
      high: points.map(({ interval }) => interval?.high ?? null),
    },
  ];
}

type Point = { x: number; y: number };

/** What an SAE scores that was not trained, at the layers whose records have it. */
function untrainedOf({ records }: LayerLine, id: DefinitionId): Point[] {
  return records.flatMap(({ controls, sae }) => {
    const y = untrainedValue(controls, id);
    return y === null ? [] : [{ x: sae.layer, y }];
  });
}

function untrainedSeries(points: readonly Point[]): SeriesSpec {
  const sorted = points.toSorted((a, b) => a.x - b.x);
  return {
    label: 'untrained',
    index: CONTROL,
    loose: true,
    x: sorted.map(({ x }) => x),
    y: sorted.map(({ y }) => y),
  };
}
