/** What a release's page looks like where it is linked to: its name, its headline figures, and its metrics by layer. */
import { CONTROL } from '../charts/palette.ts';
import { chartOf } from '../charts/spec.ts';
import { html, type Markup } from './html.ts';
import { layerPictures } from './layer-charts.ts';
import { headlines, releaseSummary } from './release-text.ts';
import type { Release } from './releases.ts';

export const PICTURE = { width: 1200, height: 630 } as const;

const colours = ['#0b6aa8', '#c2500a', '#0a7d5c', '#a3457f', '#8a6a00', '#5b5f66'] as const;
const ink = '#16191c';
const soft = '#454b52';
const font = 'Inter, Noto Sans, Liberation Sans, DejaVu Sans, sans-serif';

/** Characters of one line at the sizes below. */
const TITLE = 44;
const TEXT = 78;

/** An SVG with nothing from elsewhere, to be made a PNG. */
export function releasePicture({ title, records }: Release): string {
  const figures = headlines(records).slice(0, 4);
  const chart = layerPictures([{ label: '', records }], title, 'og', 6)[0]?.charts[0];
  const words = (text: string, x: number, y: number, size: number, fill: string, weight = 400): Markup =>
    html`<text x="${x}" y="${y}" font-family="${font}" font-size="${size}" font-weight="${weight}" fill="${fill}">${text}</text>`;
  const summary = lines(releaseSummary(records), TEXT).slice(0, 2);
  return html`<svg xmlns="http://www.w3.org/2000/svg" width="${PICTURE.width}" height="${PICTURE.height}" viewBox="0 0 ${PICTURE.width} ${PICTURE.height}"><rect width="${PICTURE.width}" height="${PICTURE.height}" fill="#fdfdfc"/><rect width="${PICTURE.width}" height="10" fill="#0b5a7d"/>${words('Interpboard', 64, 84, 26, '#0b5a7d', 600)}${lines(
    title,
    TITLE,
  )
    .slice(0, 2)
    .map((line, i) =>
      words(line, 64, 150 + 52 * i, 44, ink, 650),
    )}${summary.map((line, i) => words(line, 64, 254 + 34 * i, 25, soft))}${figures.map(
    ({ title: name, text }, i) =>
      html`${words(name.slice(0, 40), 64, 354 + 66 * i, 21, soft)}${words(text, 64, 388 + 66 * i, 32, ink, 600)}`,
  )}${chart && picture(chart.spec.heading, chartOf(chart.spec))}</svg>`.text;
}

/** The chart, a little larger than in a page, in the right half. */
function picture(heading: string, chart: ReturnType<typeof chartOf>): Markup {
  const { frame } = chart;
  const floor = frame.height - frame.bottom;
  return html`<g transform="translate(640 326) scale(1.2)" font-family="${font}" font-size="12" fill="${soft}"><text x="${frame.left}" y="2" font-weight="600">${heading} by layer</text><g transform="translate(0 6)">${chart.yTicks.map(
    ({ at, label }) =>
      html`<line x1="${frame.left}" x2="${frame.width - frame.right}" y1="${at}" y2="${at}" stroke="#e2e4e1"/><text x="${frame.left - 6}" y="${at + 4}" text-anchor="end">${label}</text>`,
  )}${chart.xTicks.map(({ at, label }) => html`<text x="${at}" y="${floor + 16}" text-anchor="middle">${label}</text>`)}${chart.series.map(
    ({ path, markers, index }) => {
      const colour = index === CONTROL ? ink : colours[index % colours.length]!;
      return html`<path d="${path}" fill="none" stroke="${colour}" stroke-width="2.5"/>${markers.map(({ x, y }) => html`<circle cx="${x}" cy="${y}" r="4" fill="${colour}"/>`)}`;
    },
  )}</g></g>`;
}

/** Broken between words, or inside one that is too long. */
function lines(text: string, most: number): string[] {
  const found: string[] = [];
  for (const word of text
    .split(/\s+/)
    .flatMap((each) => each.match(new RegExp(`.{1,${most}}`, 'gu')) ?? [])) {
    const last = found.at(-1);
    if (last !== undefined && last.length + word.length + 1 <= most)
      found[found.length - 1] = `${last} ${word}`;
    else found.push(word);
  }
  return found;
}
