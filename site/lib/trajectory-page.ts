/** A set of trajectories as it stands in a page: names of the lines, charts, what does not move folded away, tables. */
import { definitions } from '../../runner/report/definitions.ts';
import { drawFigure } from '../charts/figure.ts';
import { formatNamed } from '../charts/formats.ts';
import { colourClass, dashOf, markerPath } from '../charts/palette.ts';
import { html, type Markup } from './html.ts';
import { kindLabels } from './kinds.ts';
import type { TrajectorySet } from './trajectories.ts';
import {
  drawTables,
  type TrajectoryPanel,
  type TrajectoryView,
  trajectoryPanels,
} from './trajectory-charts.ts';
import { definitionPath, saePath } from './url.ts';

/** Which metrics are drawn; null leaves it to the metrics. */
export type ChosenMetrics = ReadonlySet<string> | null;

export function drawSet(
  set: TrajectorySet,
  view: TrajectoryView,
  id: string,
  chosen: ChosenMetrics = null,
): Markup {
  return html`${drawKey(set, view)}<div class="panels" data-linked>${drawPanels(set, view, id, chosen)}</div>${drawNotes(set)}<details class="data"><summary>The same as tables</summary>${drawTables(set)}</details>`;
}

/** The charts alone: what changes with the axis. */
export function drawPanels(
  set: TrajectorySet,
  view: TrajectoryView,
  id: string,
  chosen: ChosenMetrics = null,
): Markup {
  const shown = shownPanels(set, view, id, chosen);
  const moving = shown.filter(({ flat }) => !flat);
  const flat = shown.filter((panel) => panel.flat);
  return html`<div class="charts">${moving.map(drawPanel)}</div>${
    flat.length > 0 &&
    html`<details class="data folded"><summary>Without change: ${flat.map(flatWords).join(', ')}</summary><div class="charts">${flat.map(drawPanel)}</div></details>`
  }`;
}

/** In the order of their figures. */
export function shownPanels(
  set: TrajectorySet,
  view: TrajectoryView,
  id: string,
  chosen: ChosenMetrics,
): TrajectoryPanel[] {
  return trajectoryPanels(set, view, id)
    .filter(({ metric }) => (chosen === null ? metric.shown : chosen.has(metric.key)))
    .toSorted((a, b) => Number(a.flat) - Number(b.flat));
}

function drawPanel({ metric, spec, note, href }: TrajectoryPanel): Markup {
  return html`<div data-metric="${metric.key}">${drawFigure(spec, { note, href })}</div>`;
}

function flatWords({ metric, spec }: TrajectoryPanel): string {
  const values = spec.series.map(({ y }) => formatNamed(metric.values)(y.at(-1)!));
  return `${metric.title} ${[...new Set(values)].join(' / ')}`;
}

/** Names of the lines, with a box for each where there are several. */
function drawKey({ lines, measured }: TrajectorySet, { without }: TrajectoryView): Markup {
  const entries = [
    ...lines.map((line, index) => ({ ...line, index })),
    ...measured
      .map((line, i) => ({ ...line, index: lines.length + i }))
      .filter(({ line, checkpoints }) => line === null && checkpoints > 0),
  ];
  if (entries.length < 2) return html``;
  return html`<div class="key"><ul>${entries.map(
    ({ key, label, name, kind, shape, index }) =>
      html`<li><input class="needs-script" type="checkbox" name="sae" value="${key}" form="trajectory-view" autocomplete="off" aria-label="Draw ${label}, ${name}"${!without.has(key) && html` checked`}>${drawSwatch(index)}<div><a href="${saePath(key)}">${label}</a> <span class="badge ${kind}">${kindLabels[kind]}</span><span class="sub">${name}</span><span class="sub">${shape}</span></div></li>`,
  )}</ul></div>`;
}

export function drawSwatch(index: number): Markup {
  const dash = dashOf(index);
  return html`<svg class="swatch series ${colourClass(index)}" width="22" height="12" aria-hidden="true"><line x1="0" x2="22" y1="6" y2="6"${dash && html` stroke-dasharray="${dash}"`}/><path class="mark" transform="translate(11 6)" d="${markerPath(index)}"/></svg>`;
}

function drawNotes({ definitions: ids, notes, measured }: TrajectorySet): Markup {
  const beside = measured.some(({ line }) => line !== null);
  return html`<p class="fine">${ids.map(
    (id) => html`<a href="${definitionPath(id)}">${definitions[id].title}</a>, <code>${id}</code>. `,
  )}${notes.join(' ')}${
    beside &&
    ' Points with whiskers were measured on held-out text, at the end of training and where checkpoints were kept; whiskers are 95 % intervals.'
  }</p>`;
}
