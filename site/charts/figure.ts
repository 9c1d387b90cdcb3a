/** A chart in its figure: heading, ways to take it away, picture, read-out. The same at build and in the browser. */
import { html, type Markup } from '../lib/html.ts';
import { drawLineChart } from './draw.ts';
import { type ChartSpec, chartOf } from './spec.ts';
import { drawTake } from './take.ts';

export interface Caption {
  title: string;
  /** A few words after the title, and where they lead. */
  note?: string | undefined;
  href?: string | undefined;
  /** Whether the picture can be saved. */
  saved: boolean;
}

export function drawCaption({ title, note, href, saved }: Caption): Markup {
  const [name = '', ...rest] = (note ?? '').split(/(?<=@)/);
  // A definition breaks before its version, if anywhere.
  const broken = html`${name}${rest.map((each) => html`<wbr/>${each}`)}`;
  const words = note && (href ? html`<a href="${href}">${broken}</a>` : broken);
  return html`<figcaption><span>${title}${words && html`<span class="sub">${words}</span>`}</span>${
    saved && drawTake(title)
  }</figcaption>`;
}

/** The picture alone. */
export function drawChart(spec: ChartSpec): Markup {
  return drawLineChart({
    chart: chartOf(spec),
    id: spec.id,
    title: spec.title,
    description: spec.description,
    xLabel: spec.x.label,
    keys: spec.series.map(({ key }) => key),
  });
}

/** Picture and read-out, below a caption. */
export function drawPlot(spec: ChartSpec): Markup {
  return html`<div class="plot">${drawChart(spec)}</div><p class="readout fine" hidden></p>`;
}

export function drawFigure(spec: ChartSpec, caption: Pick<Caption, 'note' | 'href'> = {}): Markup {
  return html`<figure data-name="${spec.id}" data-source="${spec.source}">${drawCaption({
    title: spec.heading,
    ...caption,
    saved: true,
  })}${drawPlot(spec)}</figure>`;
}
