/** Lines over a logarithmic or linear x axis: training trajectories, metrics over layers, alive(window), values over k or N. */
import { line } from 'd3';
import {
  type Axis,
  defaultFrame,
  type Frame,
  linearAxis,
  logAxis,
  round,
  type Scale,
  type Tick,
} from './scale.ts';

export interface LinePoint {
  x: number;
  y: number;
  /** Ends of the 95 % interval, drawn as a whisker. */
  low?: number | undefined;
  high?: number | undefined;
}

export interface LineSeries {
  label: string;
  /** Points in ascending x; on a logarithmic axis x must be positive. */
  points: readonly LinePoint[];
  /** Its colour and shape; default its place in the list. */
  index?: number;
  /** Points alone, as of values measured beside a line that was logged. */
  loose?: boolean;
}

export interface LineChartGeometry {
  frame: Frame;
  xTicks: Tick[];
  yTicks: Tick[];
  series: {
    label: string;
    /** Index into the categorical palette and the marker shapes. */
    index: number;
    path: string;
    /** Markers, left out where points are too dense to tell apart. */
    markers: { x: number; y: number; title: string }[];
    /** Intervals: from low to high at one x. */
    whiskers: { x: number; low: number; high: number }[];
    /** Where the line ends, and the height of its label at the frame's right, moved apart from its neighbours. */
    end: { x: number; pointY: number; y: number } | null;
  }[];
  /** Height of the line at 0, where the y axis has one inside. */
  zeroY: number | null;
  /** Whether the y axis leaves 0 out. */
  cut: boolean;
  /** Whether series have their names at their ends. */
  labelled: boolean;
  /** Place of a point, pixels, for what is drawn over the chart. */
  at: (x: number, y: number) => { x: number; y: number };
}

export interface LineChartOptions {
  frame?: Frame;
  formatX: (value: number) => string;
  formatY: (value: number) => string;
  /** At the ticks, where they are said more briefly than elsewhere. */
  formatTickX?: (value: number) => string;
  formatTickY?: (value: number) => string;
  /** Values the y axis must reach. */
  include?: readonly number[];
  /** What x counts, for the words of a marker. */
  unit?: string;
  /** Default log. A linear one begins at 0 unless `includeX` says other values it must reach. */
  xScale?: Scale;
  includeX?: readonly number[];
  /** Whether series have their names at their ends, as is the default. */
  labelled?: boolean;
  /** Default linear. On a logarithmic one every y must be positive, and `include` is not asked. */
  yScale?: Scale;
}

/** Points a path keeps; more cannot be told apart at the size shown. */
const PATH_POINTS = 160;
/** Above this, single points get no marker. */
const MARKER_POINTS = 24;
/** Least distance between two end labels, pixels. */
const LABEL_GAP = 13;
/** Of an end label, pixels: from the line's end to it, and of one character of it. */
export const LABEL_SPACE = 12;
export const LABEL_CHARACTER = 8;

/** Every n-th item so that at most `limit` remain, first and last included. */
export function thin<T>(items: readonly T[], limit: number): T[] {
  if (items.length <= limit) return [...items];
  return Array.from(
    { length: limit },
    (_, i) => items[Math.round((i * (items.length - 1)) / (limit - 1))] as T,
  );
}

/**
 * The points that can be told apart along an axis: each at least the share of a path's points from the one before it,
 * the last one always. Going by place, not by number, the start of a logarithmic axis keeps its few points.
 */
export function distinct(points: readonly LinePoint[], x: Pick<Axis, 'at'>, most = PATH_POINTS): LinePoint[] {
  const last = points.at(-1);
  if (points.length <= most || last === undefined) return [...points];
  const gap = Math.abs(x.at(last.x) - x.at(points[0]!.x)) / (most - 1);
  const kept: LinePoint[] = [];
  let from = Number.NEGATIVE_INFINITY;
  for (const point of points) {
    const at = x.at(point.x);
    if (at - from < gap - 1e-3 && point !== last) continue;
    kept.push(point);
    from = at;
  }
  return kept;
}

export function lineChart(series: readonly LineSeries[], options: LineChartOptions): LineChartGeometry {
  const frame = options.frame ?? defaultFrame;
  const xs = series.flatMap((one) => one.points.map((point) => point.x));
  const ys = series.flatMap((one) =>
    one.points.flatMap(({ y: value, low, high }) => [value, low ?? value, high ?? value]),
  );
  const across = [frame.left, frame.width - frame.right] as const;
  const up = [frame.height - frame.bottom, frame.top] as const;
  const { formatTickX = options.formatX, formatTickY = options.formatY } = options;
  const x =
    options.xScale === 'linear'
      ? linearAxis(xs, across, { include: options.includeX ?? [0], format: formatTickX })
      : logAxis(xs, across, formatTickX);
  const y =
    options.yScale === 'log'
      ? logAxis(ys, up, formatTickY)
      : linearAxis(ys, up, { include: options.include ?? [], format: formatTickY });
  const drawn = series.map((one, index) => ({
    ...drawSeries(one, x, y, options),
    index: one.index ?? index,
  }));
  spreadLabels(drawn, frame);
  return {
    frame,
    xTicks: x.ticks,
    yTicks: y.ticks,
    series: drawn,
    zeroY: y.zero === 'inside' ? y.at(0) : null,
    labelled: options.labelled ?? true,
    cut: y.zero === 'below' || y.zero === 'above',
    at: (px, py) => ({ x: x.at(px), y: y.at(py) }),
  };
}

function drawSeries(
  series: LineSeries,
  x: Axis,
  y: Axis,
  options: LineChartOptions,
): Omit<LineChartGeometry['series'][number], 'index'> {
  const path = line<LinePoint>(
    (point) => x.at(point.x),
    (point) => y.at(point.y),
  ).digits(1);
  const last = series.points.at(-1);
  return {
    label: series.label,
    path: series.loose ? '' : (path(distinct(series.points, x)) ?? ''),
    markers:
      series.points.length > MARKER_POINTS && !series.loose
        ? []
        : series.points.map((point) => ({
            x: x.at(point.x),
            y: y.at(point.y),
            title: `${series.label}: ${options.formatY(point.y)} at ${options.formatX(point.x)} ${options.unit ?? 'tokens'}`,
          })),
    whiskers: series.points.flatMap((point) =>
      point.low === undefined || point.high === undefined
        ? []
        : [{ x: x.at(point.x), low: y.at(point.low), high: y.at(point.high) }],
    ),
    end: last && !series.loose ? { x: x.at(last.x), pointY: y.at(last.y), y: y.at(last.y) } : null,
  };
}

/** Moves labels that would touch apart: downwards from the top, then back up where the floor is passed. */
function spreadLabels(series: LineChartGeometry['series'], frame: Frame): void {
  const ends = series.flatMap(({ end }) => end ?? []).toSorted((a, b) => a.y - b.y);
  for (let i = 1; i < ends.length; i++) {
    const above = ends[i - 1];
    const here = ends[i];
    if (above && here) here.y = round(Math.max(here.y, above.y + LABEL_GAP));
  }
  let floor = frame.height - frame.bottom;
  for (const end of ends.toReversed()) {
    end.y = round(Math.min(end.y, floor));
    floor = end.y - LABEL_GAP;
  }
}
