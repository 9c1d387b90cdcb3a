/**
 * Reads charts out: a line across follows the pointer, arrow keys step through the points, and the values stand below.
 * Charts inside one `data-linked` element are read at the same place together.
 */
import { formatNamed } from '../charts/formats.ts';
import type { LineChartGeometry } from '../charts/line-chart.ts';
import { colourClass } from '../charts/palette.ts';
import { type ChartSpec, chartOf, readingsAt, stopsOf } from '../charts/spec.ts';
import { html } from '../lib/html.ts';
import { whenNear } from './when-near.ts';

const SPACE = 'http://www.w3.org/2000/svg';

interface Reader {
  read(at: number | null): void;
}

const readers = new WeakMap<Element, Reader>();

/** What is read in one chart is read in those beside it. */
function readTogether(figure: Element, at: number | null): void {
  const linked = figure.closest('[data-linked]');
  const figures = linked ? [...linked.querySelectorAll('figure')] : [figure];
  for (const each of figures) readers.get(each)?.read(at);
}

/** Makes a chart readable; again after it was drawn anew. */
export function attach(figure: HTMLElement, spec: ChartSpec): void {
  const plot = figure.querySelector<HTMLElement>('.plot');
  const svg = plot?.querySelector('svg');
  const words = figure.querySelector<HTMLElement>('.readout');
  const stops = stopsOf(spec);
  if (!plot || !svg || !words || stops.length === 0) return;
  let made: LineChartGeometry | null = null;
  /** Not before it is read: a page may have many. */
  const chart = (): LineChartGeometry => {
    made ??= chartOf(spec);
    return made;
  };
  const formatX = formatNamed(spec.x.values);
  const unit = spec.x.label.replace(/ \(log\)$/, '');
  const cross = document.createElementNS(SPACE, 'g');
  cross.setAttribute('class', 'crosshair');
  svg.append(cross);
  let place = -1;

  const describe = (at: number): string =>
    `${unit} ${formatX(at)}: ${readingsAt(spec, at)
      .map(({ label, text }) => `${label} ${text}`.trim())
      .join(', ')}`;

  const read = (wanted: number | null): void => {
    cross.replaceChildren();
    words.hidden = wanted === null;
    if (wanted === null) return;
    place = nearest(stops, wanted, spec.x.scale === 'log');
    const at = stops[place]!;
    const readings = readingsAt(spec, at);
    const x = chart().at(at, 0).x;
    const { frame } = chart();
    cross.innerHTML = html`<path d="M${x} ${frame.top}V${frame.height - frame.bottom}"/>${readings.map(
      ({ point, series }) => {
        const here = chart().at(point.x, point.y);
        return html`<circle class="${colourClass(chart().series[series]?.index ?? 0)}" cx="${here.x}" cy="${here.y}" r="5"/>`;
      },
    )}`.text;
    words.innerHTML = html`<b>${unit} ${formatX(at)}</b> ${readings.map(
      ({ label, series, text }) =>
        html`<span class="reading ${colourClass(chart().series[series]?.index ?? 0)}">${label} <b>${text}</b></span> `,
    )}`.text;
    plot.setAttribute('aria-valuenow', String(place + 1));
    plot.setAttribute('aria-valuetext', describe(at));
  };

  plot.tabIndex = 0;
  plot.setAttribute('role', 'slider');
  plot.setAttribute('aria-label', `${spec.title}. Arrow keys read the values.`);
  plot.setAttribute('aria-valuemin', '1');
  plot.setAttribute('aria-valuemax', String(stops.length));
  plot.setAttribute('aria-valuenow', '1');
  plot.setAttribute('aria-valuetext', spec.description);
  readers.set(figure, { read });

  const valueAt = (clientX: number): number => {
    const box = svg.getBoundingClientRect();
    const wanted = ((clientX - box.left) / box.width) * chart().frame.width;
    const distances = stops.map((stop) => Math.abs(chart().at(stop, 0).x - wanted));
    return stops[distances.indexOf(Math.min(...distances))]!;
  };
  plot.onpointermove = ({ clientX }) => readTogether(figure, valueAt(clientX));
  plot.onpointerdown = plot.onpointermove;
  plot.onpointerleave = ({ pointerType }) => {
    if (pointerType === 'mouse' && document.activeElement !== plot) readTogether(figure, null);
  };
  plot.onblur = () => readTogether(figure, null);
  plot.onkeydown = (event) => {
    const last = stops.length - 1;
    const steps: Readonly<Record<string, number>> = {
      ArrowRight: place + 1,
      ArrowUp: place + 1,
      ArrowLeft: place < 0 ? last : place - 1,
      ArrowDown: place < 0 ? last : place - 1,
      Home: 0,
      End: last,
      PageUp: place + Math.ceil(stops.length / 10),
      PageDown: place - Math.ceil(stops.length / 10),
    };
    const next = steps[event.key];
    if (event.key === 'Escape') readTogether(figure, null);
    if (next === undefined) return;
    event.preventDefault();
    readTogether(figure, stops[Math.min(Math.max(next, 0), last)]!);
  };
}

/** Place of the stop that lies nearest along the axis. */
function nearest(stops: readonly number[], wanted: number, log: boolean): number {
  const along = (value: number): number => (log ? Math.log(value) : value);
  let best = 0;
  for (const [i, stop] of stops.entries())
    if (Math.abs(along(stop) - along(wanted)) < Math.abs(along(stops[best]!) - along(wanted))) best = i;
  return best;
}

const written = [...document.querySelectorAll('script.chart-spec')].flatMap(
  (text) => text.closest('figure') ?? [],
);
whenNear(written, (figure) => {
  const text = figure.querySelector('script.chart-spec')?.textContent;
  if (text) attach(figure, JSON.parse(text) as ChartSpec);
});
