/** The picture as markup: panels with axes, points and frontier, and what their colours and shapes mean. */
import { counted } from '../../runner/report/counted.ts';
import { drawAxes } from '../charts/draw.ts';
import { shapePath } from '../charts/palette.ts';
import { drawTake } from '../charts/take.ts';
import { html, type Markup } from '../lib/html.ts';
import type { Field } from './fields.ts';
import type { Legend, Scatter, ScatterPanel } from './scatter.ts';
import { type Scale, type State, splits } from './state.ts';

export interface PictureInput {
  picture: Scatter;
  state: Pick<State, 'xScale' | 'yScale' | 'panels'>;
  x: Field;
  y: Field;
  /** Whether a script is there that walks the points. */
  walked?: boolean;
}

export function pictureView(input: PictureInput): Markup {
  const { panels, more } = input.picture;
  if (panels.length === 0)
    return html`<p class="notice">No SAE shown has a value of both ${input.x.name} and ${input.y.name}.</p>`;
  return html`<div class="multiples${panels.length === 1 && ' single'}">${panels.map((panel, i) =>
    panelView(panel, i, input),
  )}</div>${
    more > 0 &&
    html`<p class="fine">${more} more panels are not drawn: the fullest ${panels.length} are. A filter, or no panels, shows the rest.</p>`
  }`;
}

function panelView(panel: ScatterPanel, index: number, { x, y, state, walked }: PictureInput): Markup {
  const { frame, title, noun, points } = panel;
  const id = `panel-${index}`;
  const names = { x: axisName(x, state.xScale), y: axisName(y, state.yScale) };
  const heading = title || 'All SAEs shown';
  const many = counted(points.length, noun);
  return html`<figure class="multiple" data-panel="${index}" data-name="${fileOf(title, x, y)}" data-source="${`${title}: ${names.y} against ${names.x}. Interpboard`}">
<figcaption><span id="${id}">${heading} <span class="sub">${many}${
    panel.left > 0 && html`, ${panel.left} without both values`
  }</span>${drawTake(title || pictureTitle({ x, y }))}</figcaption>
<div class="plot"${walked && walkedBy(`${heading}: ${y.name} against ${x.name}`)}>
<svg class="chart scatter" viewBox="0 0 ${frame.width} ${frame.height}" role="img" aria-labelledby="${id}" aria-describedby="${id}-about">
<desc id="${id}-about">${names.y} against ${names.x}, ${many}. The same values stand in the table.</desc>
${drawAxes({ ...panel, xLabel: names.x, yLabel: `↑ ${names.y}` })}
${untrainedView(panel)}
${panel.frontiers.map((path) => html`<path class="frontier" d="${path}"/>`)}
${panel.whiskers.map(({ colour, path }) => html`<path class="whisker s${colour}" d="${path}"/>`)}
${panel.series.map(({ colour, path }) => html`<path class="marker s${colour}" d="${path}"/>`)}
<circle class="ring" r="7.5" cx="0" cy="0" visibility="hidden"/>
</svg></div>${panel.definitions.map(
    ({ name, by }) =>
      html`<p class="by${by.length > 1 && ' mixed'}">${
        by.length > 1 && html`${name} by ${by.length} definitions, which are not one scale: `
      }${by.map(({ id, rows }, i) => html`${i > 0 && ', '}<code>${id}</code>${by.length > 1 && ` (${rows})`}`)}</p>`,
  )}</figure>`;
}

function walkedBy(label: string): Markup {
  return html` tabindex="0" role="application" aria-roledescription="scatter plot" aria-label="${label}. Arrow keys walk the points, Enter opens one."`;
}

function fileOf(title: string, x: Field, y: Field): string {
  return [y.id, x.id, title]
    .map((part) => part.toLowerCase().replace(/[^a-z0-9]+/g, '-'))
    .filter(Boolean)
    .join('_');
}

/** What an SAE scores that learned nothing, as a line across the panel. */
function untrainedView({ untrained: { x, y }, frame }: ScatterPanel): Markup {
  const [floor, right] = [frame.height - frame.bottom, frame.width - frame.right];
  return html`${
    y !== null &&
    html`<g class="untrained"><path d="M${frame.left} ${y}H${right}"/><text x="${right}" y="${y - 5}" text-anchor="end">untrained</text></g>`
  }${
    x !== null &&
    html`<g class="untrained"><path d="M${x} ${frame.top}V${floor}"/><text x="${x + 4}" y="${frame.top + 9}">untrained</text></g>`
  }`;
}

function axisName({ name, unit, log }: Field, scale: Scale): string {
  const notes = [unit !== '' && unit !== name && unit, (scale === 'auto' ? log : scale === 'log') && 'log'];
  const said = notes.filter((note) => note !== false);
  return said.length === 0 ? name : `${name} (${said.join(', ')})`;
}

/** What colours, shapes and the stepped line mean, for this picture. */
export function legendView({ picture, x, y }: PictureInput, { frontier, whiskers }: State): Markup {
  const { colours, shapes, better, panels } = picture;
  const same = colours.field === shapes.field;
  const untrained = panels.some((panel) => panel.untrained.x !== null || panel.untrained.y !== null);
  return html`<div class="legend">${keyView(colours, (index) => ({ colour: index, shape: same ? index : 0 }))}${
    !same && keyView(shapes, (index) => ({ colour: null, shape: index }))
  }<ul>${
    frontier &&
    better !== null &&
    html`<li><svg class="swatch" width="18" height="12" aria-hidden="true"><path class="frontier" d="M1 11V6H9V1H17"/></svg>no SAE of its group has ${better.x} ${x.name} and ${better.y} ${y.name}</li>`
  }${whiskers && html`<li><svg class="swatch" width="12" height="12" aria-hidden="true"><path class="whisker s5" d="M6 0V12"/></svg>95 % interval, where the record has one</li>`}${
    untrained &&
    html`<li><svg class="swatch untrained" width="18" height="12" aria-hidden="true"><path d="M0 6H18"/></svg>what an untrained SAE scores</li>`
  }</ul></div>`;
}

function keyView(
  { field, entries }: Legend,
  look: (index: number) => { colour: number | null; shape: number },
): Markup | null {
  if (entries.length === 0) return null;
  return html`<ul aria-label="${splits[field]}"><li class="of">${splits[field]}</li>${entries.map(
    ({ label, index }) => {
      const { colour, shape } = look(index);
      return html`<li><svg class="swatch" width="12" height="12" viewBox="0 0 12 12" aria-hidden="true"><path class="marker ${
        colour === null ? 'plain' : `s${colour}`
      }" d="${shapePath(shape, 6, 6)}"/></svg>${label}</li>`;
    },
  )}</ul>`;
}

export function pictureTitle({ x, y }: Pick<PictureInput, 'x' | 'y'>): string {
  return `${y.name.replace(/^./, (letter) => letter.toUpperCase())} against ${x.name}`;
}
