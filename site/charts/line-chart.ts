/** Lines over a logarithmic x axis: training trajectories, alive(window), values over k or N. */
import { line } from 'd3';
import { type Axis, defaultFrame, type Frame, linearAxis, logAxis, round, type Tick } from './scale.ts';

export interface LinePoint {
  x: number;
  y: number;
  /** Ends of the 95 % interval, drawn as a whisker. */
  low?: number | undefined;
  high?: number | undefined;
}

export interface LineSeries {
  label: string;
  /** Points in ascending x; x must be positive. */
  points: readonly LinePoint[];
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
    /** Where the line ends, and the height of its label, moved apart from its neighbours. */
    end: { x: number; pointY: number; y: number } | null;
  }[];
}

export interface LineChartOptions {
  frame?: Frame;
  formatX: (value: number) => string;
  formatY: (value: number) => string;
  /** Values the y axis must reach. */
  include?: readonly number[];
  /** What x counts, for the words of a marker. */
  unit?: string;
}

/** Points a path keeps; more cannot be told apart at the size shown. */
const PATH_POINTS = 160;
/** Above this, single points get no marker. */
const MARKER_POINTS = 24;
/** Least distance between two end labels, pixels. */
const LABEL_GAP = 13;

/** Every n-th item so that at most `limit` remain, first and last included. */
export function thin<T>(items: readonly T[], limit: number): T[] {
  if (items.length <= limit) return [...items];
  return Array.from(
    { length: limit },
    (_, i) => items[Math.round((i * (items.length - 1)) / (limit - 1))] as T,
  );
}

export function lineChart(series: readonly LineSeries[], options: LineChartOptions): LineChartGeometry {
  const frame = options.frame ?? defaultFrame;
  const xs = series.flatMap((one) => one.points.map((point) => point.x));
  const ys = series.flatMap((one) =>
    one.points.flatMap(({ y: value, low, high }) => [value, low ?? value, high ?? value]),
  );
  const x = logAxis(xs, [frame.left, frame.width - frame.right], options.formatX);
  const y = linearAxis(ys, [frame.height - frame.bottom, frame.top], {
    include: options.include ?? [],
    format: options.formatY,
  });
  const drawn = series.map((one, index) => ({ ...drawSeries(one, x, y, options), index }));
  spreadLabels(drawn, frame);
  return { frame, xTicks: x.ticks, yTicks: y.ticks, series: drawn };
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
  ).digits(2);
  const last = series.points.at(-1);
  return {
    label: series.label,
    path: path(thin(series.points, PATH_POINTS)) ?? '',
    markers:
      series.points.length > MARKER_POINTS
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
    end: last ? { x: x.at(last.x), pointY: y.at(last.y), y: y.at(last.y) } : null,
  };
}

/** Moves the labels of lines that end together apart: downwards from the top, then back up where the floor is passed. */
function spreadLabels(series: LineChartGeometry['series'], frame: Frame): void {
  const columns = Map.groupBy(
    series.flatMap((one) => (one.end ? [one.end] : [])),
    (end) => end.x,
  );
  for (const column of columns.values()) {
    const ends = column.toSorted((a, b) => a.y - b.y);
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
}
