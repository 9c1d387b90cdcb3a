/** Reads heat maps out: the square under the pointer, or the one that arrow keys move to, with its values below. */
import { type HeatSpec, heatMap, moved, wordsAt } from '../charts/heat-map.ts';
import { html } from '../lib/html.ts';

const SPACE = 'http://www.w3.org/2000/svg';

function attach(figure: HTMLElement, spec: HeatSpec): void {
  const plot = figure.querySelector<HTMLElement>('.plot');
  const svg = plot?.querySelector('svg');
  const words = figure.querySelector<HTMLElement>('.readout');
  const { cells, size, width, height } = heatMap(spec);
  const [rows, columns] = [spec.labels.rows.length, spec.labels.columns.length];
  if (!plot || !svg || !words || cells.length === 0) return;
  const mark = document.createElementNS(SPACE, 'g');
  mark.setAttribute('class', 'crosshair');
  svg.append(mark);
  /** Number of the square read, row by row; −1 before the first. */
  let place = -1;

  const read = (wanted: number | null): void => {
    mark.replaceChildren();
    words.hidden = wanted === null;
    const cell = wanted === null ? undefined : cells[wanted];
    if (wanted === null || cell === undefined) return;
    place = wanted;
    const { row, column, value, floor } = wordsAt(spec, cell.row, cell.column);
    mark.innerHTML = html`<rect x="${cell.x}" y="${cell.y}" width="${size}" height="${size}" rx="3"/>`.text;
    words.innerHTML =
      html`<span>${row} among ${column}</span> <b>${value}</b>${floor !== null && html` <span>random directions ${floor}</span>`}`.text;
    plot.setAttribute('aria-valuenow', String(place + 1));
    plot.setAttribute(
      'aria-valuetext',
      `${row} among ${column}: ${value}${floor === null ? '' : `; random directions ${floor}`}`,
    );
  };

  plot.tabIndex = 0;
  plot.setAttribute('role', 'slider');
  plot.setAttribute('aria-label', `${spec.title}. Arrow keys read the values.`);
  plot.setAttribute('aria-valuemin', '1');
  plot.setAttribute('aria-valuemax', String(cells.length));
  plot.setAttribute('aria-valuenow', '1');
  plot.setAttribute('aria-valuetext', spec.description);

  plot.onpointermove = ({ clientX, clientY }) => {
    const box = svg.getBoundingClientRect();
    const x = ((clientX - box.left) / box.width) * width;
    const y = ((clientY - box.top) / box.height) * height;
    const under = cells.findIndex(
      (cell) => x >= cell.x && x < cell.x + size && y >= cell.y && y < cell.y + size,
    );
    if (under >= 0) read(under);
  };
  plot.onpointerdown = plot.onpointermove;
  plot.onpointerleave = ({ pointerType }) => {
    if (pointerType === 'mouse' && document.activeElement !== plot) read(null);
  };
  plot.onblur = () => read(null);
  plot.onkeydown = (event) => {
    if (event.key === 'Escape') read(null);
    const next = moved(event.key, place, rows, columns);
    if (next === null) return;
    event.preventDefault();
    read(next);
  };
}

for (const text of document.querySelectorAll('script.heat-spec')) {
  const figure = text.closest('figure');
  if (figure && text.textContent) attach(figure, JSON.parse(text.textContent) as HeatSpec);
}
