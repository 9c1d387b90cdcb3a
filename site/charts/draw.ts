/** Geometry -> SVG as text: the same at build and in the browser. Colours are classes, so that themes and print apply. */
import { html, type Inserted, type Markup } from '../lib/html.ts';
import type { HistogramGeometry } from './histogram.ts';
import type { LineChartGeometry } from './line-chart.ts';
import { colourClass, dashOf, markerPath, tenths } from './palette.ts';
import type { Frame, Tick } from './scale.ts';

export interface AxesDrawing {
  frame: Frame;
  xTicks: readonly Tick[];
  yTicks: readonly Tick[];
  xLabel: string;
  /** Left of it, where the heading does not name the y axis. */
  yLabel?: string;
  /** Height of the line at 0. */
  zeroY?: number | null;
  /** Whether the y axis leaves 0 out; a broken stroke says so. */
  cut?: boolean;
}

/** Grid, ticks and axis names of a chart with a frame. */
export function drawAxes({
  frame,
  xTicks,
  yTicks,
  xLabel,
  yLabel,
  zeroY = null,
  cut = false,
}: AxesDrawing): Markup {
  const floor = frame.height - frame.bottom;
  const right = frame.width - frame.right;
  return html`<g class="axes">${yTicks.map(
    ({ at, label }) =>
      html`<path class="${at === zeroY ? 'zero' : 'grid'}" d="M${frame.left} ${at}H${right}"/><text x="${frame.left - 8}" y="${at}" dy="0.32em" text-anchor="end">${label}</text>`,
  )}${xTicks.map(
    ({ at, label }) =>
      html`<path class="tick" d="M${at} ${floor}v4"/><text x="${at}" y="${floor + 17}" text-anchor="middle">${label}</text>`,
  )}<path class="floor" d="M${frame.left} ${floor}H${right}"/>${
    cut &&
    html`<path class="cut" d="M${frame.left - 4} ${floor - 3}l8-4M${frame.left - 4} ${floor - 7}l8-4"><title>The axis does not begin at 0</title></path>`
  }<text class="axis-name" x="${right}" y="${frame.height - 3}" text-anchor="end">${xLabel}</text>${
    yLabel !== undefined && html`<text class="axis-name" x="0" y="${frame.height - 3}">${yLabel}</text>`
  }</g>`;
}

function whiskerPath(whisker: { x: number; low: number; high: number }): string {
  const [x, low, high] = [tenths(whisker.x), tenths(whisker.low), tenths(whisker.high)];
  return `M${x} ${low}V${high}M${tenths(whisker.x - 3)} ${low}h6m-6 ${tenths(whisker.high - whisker.low)}h6`;
}

/** Markers of one chart beyond which those of a series are one path: a picture of thousands of nodes is slow to come. */
const MOST_NAMED = 60;

/** Markers of a series, each named for a pointer where no script reads them out, or all as one path. */
function drawMarkers(
  index: number,
  markers: readonly { x: number; y: number; title: string }[],
  named: boolean,
): Inserted {
  if (named)
    return markers.map(
      ({ x, y, title }) =>
        html`<path class="marker" d="${markerPath(index, x, y)}"><title>${title}</title></path>`,
    );
  return html`<path class="marker" d="${markers.map(({ x, y }) => markerPath(index, x, y)).join('')}"/>`;
}

export interface LineChartDrawing {
  chart: LineChartGeometry;
  /** Distinguishes the ids inside one page. */
  id: string;
  title: string;
  description: string;
  xLabel: string;
  /** What each series is of, by its place: a record's id. */
  keys?: readonly (string | undefined)[];
}

export function drawLineChart({ chart, id, title, description, xLabel, keys }: LineChartDrawing): Markup {
  const { frame } = chart;
  const named = chart.series.reduce((sum, { markers }) => sum + markers.length, 0) <= MOST_NAMED;
  const words = chart.cut ? `${description} The axis does not begin at 0.` : description;
  return html`<svg class="chart" viewBox="0 0 ${frame.width} ${frame.height}" role="img" aria-labelledby="${id}-title ${id}-desc"><title id="${id}-title">${title}</title><desc id="${id}-desc">${words}</desc>${drawAxes({ ...chart, xLabel })}${chart.series.map((series, i) => drawSeries(chart, series, named, keys?.[i]))}</svg>`;
}

function drawSeries(
  { frame, labelled }: LineChartGeometry,
  series: LineChartGeometry['series'][number],
  named: boolean,
  key: string | undefined,
): Markup {
  const { index, end, label, markers, path, whiskers } = series;
  const dash = dashOf(index);
  return html`<g class="series ${colourClass(index)}"${key === undefined ? null : html` data-sae="${key}"`}${!labelled && html` data-label="${label}"`}>${
    whiskers.length > 0 && html`<path class="whisker" d="${whiskers.map(whiskerPath).join('')}"/>`
  }${path !== '' && html`<path class="line" d="${path}"${dash && html` stroke-dasharray="${dash}"`}/>`}${
    markers.length > 0 && drawMarkers(index, markers, named)
  }${end && markers.length === 0 && drawMarkers(index, [{ x: end.x, y: end.pointY, title: label }], true)}${
    end &&
    labelled &&
    html`<text class="end-label" x="${frame.width - frame.right + 8}" y="${end.y}" dy="0.32em">${label}</text>`
  }</g>`;
}

export interface HistogramDrawing {
  chart: HistogramGeometry;
  /** Distinguishes the ids inside one page. */
  id: string;
  title: string;
  description: string;
  xLabel: string;
  yLabel?: string;
}

export function drawHistogram({ chart, id, title, description, ...labels }: HistogramDrawing): Markup {
  const { frame, bars } = chart;
  return html`<svg class="chart" viewBox="0 0 ${frame.width} ${frame.height}" role="img" aria-labelledby="${id}-title ${id}-desc"><title id="${id}-title">${title}</title><desc id="${id}-desc">${description}</desc>${drawAxes({ ...chart, ...labels })}<g class="series s0">${bars.map(
    ({ x, y, width, height, title: words }) =>
      html`<rect class="bar" x="${x}" y="${y}" width="${width}" height="${height}"><title>${words}</title></rect>`,
  )}</g></svg>`;
}
