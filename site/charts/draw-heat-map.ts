/** A heat map as SVG, and the square that is read out. Colours are classes, so that themes and print apply. */
import { html, type Markup } from '../lib/html.ts';
import { type HeatGeometry, type HeatSpec, heatMap, wordsAt } from './heat-map.ts';

/** Ink stays readable on the darkest square. */
const DARKEST = 0.78;

function opacity(level: number): number {
  return Math.round(1000 * DARKEST * level) / 1000;
}

export function drawHeatMap(spec: HeatSpec): Markup {
  const map = heatMap(spec);
  const { id, title, description } = spec;
  return html`<svg class="chart heat" viewBox="0 0 ${map.width} ${map.height}" role="img" aria-labelledby="${id}-title ${id}-desc"><title id="${id}-title">${title}</title><desc id="${id}-desc">${description}</desc>${map.names.map(
    ({ x, y, text }) => html`<text class="axis-name" x="${x}" y="${y}">${text}</text>`,
  )}${map.columns.map(({ label, x, y, turned }) =>
    turned
      ? html`<text transform="translate(${x} ${y}) rotate(-90)" dy="0.32em">${label}</text>`
      : html`<text x="${x}" y="${y}" text-anchor="middle">${label}</text>`,
  )}${map.rows.map(
    ({ label, x, y }) => html`<text x="${x}" y="${y}" dy="0.32em" text-anchor="end">${label}</text>`,
  )}${map.cells.map((cell) => drawCell(spec, map, cell))}${drawKey(map)}</svg>`;
}

function drawCell(
  spec: HeatSpec,
  { size, written }: HeatGeometry,
  cell: HeatGeometry['cells'][number],
): Markup {
  const { x, y, row, column, value, level } = cell;
  const words = wordsAt(spec, row, column);
  const side = size - 2;
  const name = html`<title>${words.row} among ${words.column}: ${words.value}${words.floor !== null && `; random directions ${words.floor}`}</title>`;
  if (value === null)
    return html`<path class="missing" d="M${x + 1} ${y + 1}h${side}v${side}h${-side}zM${x + 1} ${y + 1}l${side} ${side}">${name}</path>`;
  return html`<rect class="cell" x="${x + 1}" y="${y + 1}" width="${side}" height="${side}" rx="2" fill-opacity="${opacity(level)}">${name}</rect>${
    written &&
    html`<text class="value" x="${x + size / 2}" y="${y + size / 2}" dy="0.32em" text-anchor="middle">${value.toFixed(2)}</text>`
  }`;
}

/** The scale of darkness from 0 to 1, and where chance lies on it. */
function drawKey({ key }: HeatGeometry): Markup {
  const { x, y, width, height, steps, floors } = key;
  return html`<g class="heat-key">${steps.map(
    (step) =>
      html`<rect class="cell" x="${step.x}" y="${y}" width="${step.width}" height="${height}" fill-opacity="${opacity(step.level)}"/>`,
  )}<path class="frame" d="M${x} ${y}h${width}v${height}h${-width}z"/><text x="${x - 6}" y="${y + height / 2}" dy="0.32em" text-anchor="end">0</text><text x="${x + width + 6}" y="${y + height / 2}" dy="0.32em">1</text>${
    floors &&
    html`<path class="chance" d="M${floors.from} ${y - 4}V${y + height + 4}M${floors.to} ${y - 4}V${y + height + 4}"/><text class="chance-name" x="${floors.from}" y="${y + height + 17}">random directions</text>`
  }</g>`;
}

/** Picture and read-out, below a caption. */
export function drawHeatPlot(spec: HeatSpec): Markup {
  return html`<div class="plot">${drawHeatMap(spec)}</div><p class="readout fine" hidden></p>`;
}
