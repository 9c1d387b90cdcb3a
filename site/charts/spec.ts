/**
 * A line chart written down: plain JSON, drawn at build and again in the browser when the reader changes the axis. Numbers
 * are kept as columns.
 */
import { type FormatName, formatNamed } from './formats.ts';
import {
  LABEL_CHARACTER,
  LABEL_SPACE,
  type LineChartGeometry,
  type LinePoint,
  lineChart,
} from './line-chart.ts';
import { defaultFrame, type Scale } from './scale.ts';

export interface AxisSpec {
  /** Name with unit. */
  label: string;
  scale: Scale;
  /** At the ticks. */
  ticks: FormatName;
  /** Where a value is read out. */
  values: FormatName;
  /** Values a linear axis must reach. */
  include?: readonly number[];
}

export interface SeriesSpec {
  /** At the line's end, and where it is read out. */
  label: string;
  /** What it is of, such as a record's id. */
  key?: string;
  /** Colour and shape; default its place. `CONTROL` for what series are held to. */
  index?: number;
  /** Points alone. */
  loose?: boolean;
  x: readonly number[];
  y: readonly number[];
  /** Ends of the 95 % intervals; null where there is none. */
  low?: readonly (number | null)[];
  high?: readonly (number | null)[];
}

export interface ChartSpec {
  /** Distinguishes the chart inside one page. */
  id: string;
  /** Seen above the chart. */
  heading: string;
  /** Full name, for who cannot see it, and the caption of an exported picture. */
  title: string;
  description: string;
  x: AxisSpec;
  y: AxisSpec;
  series: readonly SeriesSpec[];
  /** False where a key outside the picture names the series, and not their ends. */
  labelled?: boolean;
  /** Definition ids and where the figures come from, below an exported picture. */
  source: string;
}

/** Points of a series, where both axes have a place for them. */
function pointsOf({ x, y }: Pick<ChartSpec, 'x' | 'y'>, series: SeriesSpec): LinePoint[] {
  return series.x.flatMap((at, i) => {
    const value = series.y[i];
    if (value === undefined || (x.scale === 'log' && at <= 0) || (y.scale === 'log' && value <= 0)) return [];
    return [{ x: at, y: value, low: series.low?.[i] ?? undefined, high: series.high?.[i] ?? undefined }];
  });
}

export function chartOf(spec: ChartSpec): LineChartGeometry {
  const { labelled = true } = spec;
  const labels = spec.series.filter(({ loose }) => labelled && !loose).map(({ label }) => label.length);
  const right = Math.max(18, LABEL_SPACE + LABEL_CHARACTER * Math.max(0, ...labels));
  return lineChart(
    spec.series.map((series, i) => ({
      label: series.label,
      index: series.index ?? i,
      loose: series.loose ?? false,
      points: pointsOf(spec, series),
    })),
    {
      frame: { ...defaultFrame, right },
      formatX: formatNamed(spec.x.values),
      formatY: formatNamed(spec.y.values),
      formatTickX: formatNamed(spec.x.ticks),
      formatTickY: formatNamed(spec.y.ticks),
      include: spec.y.include ?? [],
      includeX: spec.x.include ?? [0],
      labelled,
      xScale: spec.x.scale,
      yScale: spec.y.scale,
      unit: spec.x.label.replace(/ \(.*\)$/, ''),
    },
  );
}

/** Every x that any series has, in ascending order: what a read-out steps through. */
export function stopsOf(spec: ChartSpec): number[] {
  return [...new Set(spec.series.flatMap((series) => pointsOf(spec, series).map(({ x }) => x)))].sort(
    (a, b) => a - b,
  );
}

export interface Reading {
  series: number;
  label: string;
  point: LinePoint;
  /** Value, and interval where there is one. */
  text: string;
}

/**
 * What the series say at a stop: their points there. A line that was logged at other places says what it says nearest to
 * it, if that is nearer than its neighbouring stop.
 */
export function readingsAt(spec: ChartSpec, at: number): Reading[] {
  const format = formatNamed(spec.y.values);
  return spec.series.flatMap((series, i) => {
    const points = pointsOf(spec, series);
    const nearest = points.reduce<LinePoint | null>(
      (best, point) =>
        best === null || distance(spec, point.x, at) < distance(spec, best.x, at) ? point : best,
      null,
    );
    if (nearest === null || distance(spec, nearest.x, at) > reach(spec, points)) return [];
    const { low, high } = nearest;
    const interval = low === undefined || high === undefined ? '' : ` (${format(low)} to ${format(high)})`;
    return [{ series: i, label: series.label, point: nearest, text: `${format(nearest.y)}${interval}` }];
  });
}

/** Along the axis as drawn. */
function distance({ x }: ChartSpec, a: number, b: number): number {
  return x.scale === 'log' ? Math.abs(Math.log(a / b)) : Math.abs(a - b);
}

/** Half the widest gap of a series; of a single point, a hair. */
function reach(spec: ChartSpec, points: readonly LinePoint[]): number {
  const gaps = points.slice(1).map((point, i) => distance(spec, points[i]!.x, point.x));
  return Math.max(1e-9, ...gaps.map((gap) => gap / 2));
}
