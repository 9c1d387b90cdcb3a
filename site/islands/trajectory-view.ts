/**
 * Draws the page's trajectories anew as the reader chooses: axis, metrics, SAEs. Without a script the page's own choice
 * stands there against tokens. The choice lives in the address, so that it can be linked to:
 * ?along=time&axis=linear&metric=loss&without=<record>.
 */
import type { TrajectorySet } from '../lib/trajectories.ts';
import { type Along, startView, type TrajectoryView } from '../lib/trajectory-charts.ts';
import { drawPanels, drawSet, shownPanels } from '../lib/trajectory-page.ts';
import { attach } from './read-out.ts';
import { whenNear } from './when-near.ts';

interface Place {
  element: HTMLElement;
  id: string;
  set: TrajectorySet;
  /** Whether its charts are read out: not before the reader comes near. */
  attached: boolean;
}

const form = document.querySelector<HTMLFormElement>('#trajectory-view');
const places: Place[] = [...document.querySelectorAll<HTMLElement>('[data-trajectories]')].map((element) => ({
  element,
  id: element.dataset.trajectories ?? '',
  set: JSON.parse(element.querySelector('.trajectory-set')?.textContent ?? '') as TrajectorySet,
  attached: false,
}));

/** Boxes beside the lines' names belong to the form too, wherever they stand. */
function named(name: string): HTMLInputElement[] {
  return [...(form?.elements ?? [])].filter(
    (element): element is HTMLInputElement => element instanceof HTMLInputElement && element.name === name,
  );
}

function ticked(name: string): string[] {
  return named(name).flatMap(({ checked, value }) => (checked ? [value] : []));
}

function viewNow(): TrajectoryView {
  const shown = new Set(ticked('sae'));
  return {
    along: (ticked('along')[0] as Along | undefined) ?? startView.along,
    scale: ticked('axis')[0] === 'linear' ? 'linear' : 'log',
    without: new Set(named('sae').flatMap(({ value }) => (shown.has(value) ? [] : [value]))),
  };
}

function chosenMetrics(): Set<string> | null {
  return form === null ? null : new Set(ticked('metric'));
}

/** Makes the figures of a place readable, in the order in which they were drawn. */
function attachAll({ element, set, id }: Place): void {
  const panels = shownPanels(set, viewNow(), id, chosenMetrics());
  for (const [i, figure] of figuresOf(element).entries()) {
    const panel = panels[i];
    if (panel) attach(figure, panel.spec);
  }
}

function figuresOf(element: HTMLElement): HTMLElement[] {
  return [...element.querySelectorAll<HTMLElement>('.panels figure')];
}

function draw(): void {
  const view = viewNow();
  const chosen = chosenMetrics();
  let count = 0;
  for (const place of places) {
    const panels = place.element.querySelector('.panels');
    const open = panels?.querySelector<HTMLDetailsElement>('.folded')?.open ?? false;
    if (panels) panels.innerHTML = drawPanels(place.set, view, place.id, chosen).text;
    const folded = panels?.querySelector<HTMLDetailsElement>('.folded');
    if (folded) folded.open = open;
    if (place.attached) attachAll(place);
    count += figuresOf(place.element).length;
  }
  const status = form?.querySelector('[role="status"]');
  if (status) status.textContent = `${count} charts shown`;
}

/** Draws a place whose lines are others than before: names and tables too. */
export function redraw(model: string, set: TrajectorySet): void {
  const place = places.find((each) => each.set.model === model);
  if (!place) return;
  const view = viewNow();
  place.set = set;
  const drawn = place.element.querySelector('.drawn');
  if (drawn) drawn.innerHTML = drawSet(set, view, place.id, chosenMetrics()).text;
  draw();
}

export function setOf(model: string): TrajectorySet | null {
  return places.find(({ set }) => set.model === model)?.set ?? null;
}

function readAddress(): void {
  const asked = new URLSearchParams(location.search);
  const metrics = asked.getAll('metric').filter((key) => named('metric').some(({ value }) => value === key));
  for (const input of named('metric'))
    input.checked = metrics.length === 0 ? input.defaultChecked : metrics.includes(input.value);
  for (const name of ['along', 'axis']) {
    const wanted = named(name).find(({ value }) => value === asked.get(name)) ?? named(name)[0];
    if (wanted) wanted.checked = true;
  }
  for (const input of named('sae')) input.checked = !asked.getAll('without').includes(input.value);
}

function writeAddress(): void {
  const url = new URL(location.href);
  for (const name of ['along', 'metric', 'axis', 'without']) url.searchParams.delete(name);
  const { along, scale, without } = viewNow();
  if (along !== startView.along) url.searchParams.append('along', along);
  if (scale !== startView.scale) url.searchParams.append('axis', scale);
  if (named('metric').some((input) => input.checked !== input.defaultChecked))
    for (const key of ticked('metric')) url.searchParams.append('metric', key);
  for (const key of without) url.searchParams.append('without', key);
  history.replaceState(null, '', url);
}

if (form !== null) {
  readAddress();
  // The page as built shows what an address without a choice asks for.
  if (location.search !== '') draw();
  document.addEventListener('change', ({ target }) => {
    if (!(target instanceof HTMLInputElement) || target.form !== form) return;
    draw();
    writeAddress();
  });
}
whenNear(
  places.map(({ element }) => element),
  (element) => {
    const place = places.find((each) => each.element === element)!;
    place.attached = true;
    attachAll(place);
  },
);
