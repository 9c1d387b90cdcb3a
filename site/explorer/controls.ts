/** Inputs of the explorer: from what is in them to the state, and back. */

import type { Markup } from '../lib/html.ts';
import { once } from '../lib/once.ts';
import { MOST_COMPARED } from '../lib/url.ts';
import { components, presetOf, presets, shares } from './composite.ts';
import { columnBoxes, facetView, facetWord, fieldOptions, percent } from './controls-view.ts';
import { facetCounts } from './rows.ts';
import { type Facet, facetNames, type RangeName, rangeNames, type Scale, type State } from './state.ts';
import { fieldsOf, type View } from './view.ts';

type Input = HTMLInputElement | HTMLSelectElement;

const switchNames = ['grouped', 'intervals', 'whiskers', 'frontier', 'shared'] as const;
const textNames = ['x', 'y', 'panels', 'colour', 'shape'] as const;

export function isInput(target: EventTarget | null): target is Input {
  return target instanceof HTMLInputElement || target instanceof HTMLSelectElement;
}

/** Inputs by name, once the lists are filled; rows come and go with their own. */
const inputsOf = once((root: HTMLElement) =>
  Map.groupBy(root.querySelectorAll<Input>('input:not([name="pick"]), select'), ({ name }) => name),
);

function named(root: HTMLElement, name: string): Input[] {
  return inputsOf(root).get(name) ?? [];
}

export function writeInto(element: Element | null, markup: Markup): void {
  if (element !== null) element.innerHTML = markup.text;
}

/** Lists that the built page leaves out: what a filter can be ticked at, axes, columns. */
export function fillLists(root: HTMLElement, { source: { columns }, state }: View): void {
  for (const name of facetNames)
    writeInto(root.querySelector(`[data-facet="${name}"]`), facetView(columns, name));
  const fields = [...fieldsOf(columns, state.weights).values()];
  for (const name of ['x', 'y'])
    writeInto(root.querySelector(`select[name="${name}"]`), fieldOptions(fields));
  writeInto(root.querySelector('[data-columns]'), columnBoxes(fields));
}

/** The state after one input changed; null where the input is none of ours. */
export function changed(root: HTMLElement, state: State, input: Input): State | null {
  const { name, value } = input;
  const ticked = input instanceof HTMLInputElement && input.checked;
  if (name === 'q') return { ...state, q: value };
  if (isOne(name, facetNames)) return { ...state, facets: { ...state.facets, [name]: tickedOf(root, name) } };
  if (isOne(name, switchNames)) return { ...state, [name]: ticked };
  if (isOne(name, textNames)) return { ...state, [name]: value };
  if (name === 'xscale') return { ...state, xScale: value as Scale };
  if (name === 'yscale') return { ...state, yScale: value as Scale };
  if (name === 'preset') {
    const weights = presets.find(({ id }) => id === value)?.weights;
    return weights === undefined ? null : { ...state, weights };
  }
  if (name === 'weight') return { ...state, weights: named(root, 'weight').map((one) => Number(one.value)) };
  if (name === 'columns')
    return {
      ...state,
      columns: ticked ? [...state.columns, value] : state.columns.filter((id) => id !== value),
    };
  if (name === 'pick') {
    const others = state.pick.filter((id) => id !== value);
    return { ...state, pick: ticked ? [...others, value].slice(-MOST_COMPARED) : others };
  }
  const range = /^(\w+)-(from|to)$/.exec(name);
  if (range !== null && isOne(range[1]!, rangeNames)) {
    const end = value.trim() === '' || !Number.isFinite(Number(value)) ? null : Number(value);
    return {
      ...state,
      ranges: { ...state.ranges, [range[1]]: { ...state.ranges[range[1]], [range[2]!]: end } },
    };
  }
  return null;
}

function isOne<Name extends string>(name: string, names: readonly Name[]): name is Name {
  return (names as readonly string[]).includes(name);
}

function tickedOf(root: HTMLElement, name: string): string[] {
  return named(root, name).flatMap((input) =>
    input instanceof HTMLInputElement && input.checked ? [input.value] : [],
  );
}

/** Brings the inputs to the state; what the reader is typing in is left alone. */
export function showState(root: HTMLElement, view: View): void {
  const { state } = view;
  const set = (name: string, value: string): void => {
    for (const input of named(root, name)) if (input !== document.activeElement) input.value = value;
  };
  const tick = (name: string, values: readonly string[]): void => {
    for (const input of named(root, name))
      if (input instanceof HTMLInputElement) input.checked = values.includes(input.value);
  };
  set('q', state.q);
  for (const name of textNames) set(name, state[name]);
  set('xscale', state.xScale);
  set('yscale', state.yScale);
  for (const name of facetNames) tick(name, state.facets[name]);
  for (const name of switchNames)
    for (const input of named(root, name)) if (input instanceof HTMLInputElement) input.checked = state[name];
  tick('columns', state.columns);
  tick('preset', [presetOf(state.weights) ?? '']);
  const share = shares(state.weights);
  named(root, 'weight').forEach((input, i) => {
    input.value = String(state.weights[i] ?? 0);
    const output = input.parentElement?.querySelector('output');
    if (output) output.textContent = percent(share[i] ?? 0);
    input.setAttribute(
      'aria-valuetext',
      `${components[i]?.label}: ${percent(share[i] ?? 0)} of the composite`,
    );
  });
  for (const name of rangeNames) showRange(root, name, state);
  for (const name of facetNames) showFacet(root, name, view);
}

/** Ticks the rows that are picked: a pick too many lets the oldest go. */
export function showPicks(root: HTMLElement, { pick }: Pick<State, 'pick'>): void {
  for (const input of root.querySelectorAll<HTMLInputElement>('input[name="pick"]'))
    input.checked = pick.includes(input.value);
}

function showRange(root: HTMLElement, name: RangeName, { ranges }: State): void {
  for (const end of ['from', 'to'] as const)
    for (const input of named(root, `${name}-${end}`))
      if (input !== document.activeElement) input.value = String(ranges[name][end] ?? '');
  const { from, to } = ranges[name];
  say(root, name, from === null && to === null ? '' : `${from ?? ''}–${to ?? ''}`);
}

export function showFacet(root: HTMLElement, name: Facet, { source, state }: View): void {
  const kept = state.facets[name];
  const [one] = kept;
  say(root, name, one === undefined ? '' : kept.length === 1 ? facetWord(name, one) : String(kept.length));
  const list = root.querySelector(`[data-facet="${name}"]`);
  // Nobody sees the counts of a closed list.
  if (list?.closest('details')?.open !== true) return;
  const counts = facetCounts(source, state, name);
  for (const element of list.querySelectorAll<HTMLElement>('[data-count]')) {
    element.textContent = String(counts.get(element.dataset.count ?? '') ?? 0);
  }
}

/** What is chosen, beside the name of the filter. */
function say(root: HTMLElement, name: string, words: string): void {
  const element = root.querySelector(`[data-chosen="${name}"]`);
  if (element === null) return;
  element.textContent = words;
  element.closest('.drop')?.classList.toggle('active', words !== '');
}
