/** What the reader has chosen, and the address that keeps it. Pure. */
import type { Columns } from '../lib/columns.ts';
import { inWords } from '../lib/order.ts';
import { MOST_COMPARED } from '../lib/url.ts';
import { presetOf, presets, type Weights } from './composite.ts';
import { compositeId, isNumberField, numberFieldsOf, textNames } from './fields.ts';

/** Filters by a list of values: what is ticked is kept, and nothing ticked keeps all. */
export const facets = {
  model: { field: 'model', label: 'Model' },
  hook: { field: 'site', label: 'Hook' },
  architecture: { field: 'architecture', label: 'Architecture' },
  width: { field: 'd_sae', label: 'Width' },
  kind: { field: 'kind', label: 'Kind' },
  definition: { field: 'loss_definition', label: 'Definition' },
  release: { field: 'release', label: 'Release' },
  text: { field: 'text', label: 'Text' },
} as const;

export type Facet = keyof typeof facets;

export const facetNames = Object.keys(facets) as Facet[];

/** Filters by the two ends of a number, both included; null where open. */
export const ranges = {
  layer: { field: 'layer', label: 'Layer' },
  l0: { field: 'l0@v1', label: 'L0' },
} as const;

export type RangeName = keyof typeof ranges;

export const rangeNames = Object.keys(ranges) as RangeName[];

export interface Range {
  from: number | null;
  to: number | null;
}

export type Scale = 'auto' | 'linear' | 'log';

export interface State {
  /** Words that must all occur. */
  q: string;
  facets: Readonly<Record<Facet, readonly string[]>>;
  ranges: Readonly<Record<RangeName, Range>>;
  columns: readonly string[];
  sort: string;
  descending: boolean;
  /** Rows under headings of model, hook site and text: what a rank is within. */
  grouped: boolean;
  intervals: boolean;
  /** Every row in the document, not the first ones alone. */
  all: boolean;
  x: string;
  y: string;
  xScale: Scale;
  yScale: Scale;
  /** Fields, or `none`. */
  panels: string;
  colour: string;
  shape: string;
  whiskers: boolean;
  frontier: boolean;
  /** One scale for all panels. */
  shared: boolean;
  weights: Weights;
  /** Id of the SAE whose point is read out. */
  at: string | null;
  /** Ids of those to compare. */
  pick: readonly string[];
}

/** By what points are coloured and shaped, and panels made. */
export const splits: Readonly<Record<string, string>> = {
  none: 'nothing',
  ...textNames,
  layer: 'Layer',
  d_sae: 'Width',
  k: 'k',
};

/** Kinds that are ranked: what their publishers call provisional, or quote, is not shown unless asked for. */
export const startKinds: readonly string[] = ['measured', 'imported', 'published'];

const startColumns = [
  'l0@v1',
  'loss_recovered',
  compositeId,
  'var_exp@pooled-v1',
  'alive@v1',
  'l0_score@interpscore-0.0.1',
  'probe_auc_dense@interpscore-0.0.1',
  'tpp@interpscore-0.0.1',
];

/** The view without any choice; of what the records have. */
export function startOf(columns: Columns): State {
  const known = new Set(numberFieldsOf(columns).map(({ id }) => id));
  const scored = 'interpscore@0.0.1' in columns.metrics;
  const kinds = startKinds.filter((kind) => columns.text.kind.values.includes(kind));
  return {
    q: '',
    facets: {
      ...(Object.fromEntries(facetNames.map((name) => [name, []])) as unknown as Record<Facet, string[]>),
      kind: kinds.length < columns.text.kind.values.length ? kinds : [],
    },
    ranges: { layer: { from: null, to: null }, l0: { from: null, to: null } },
    columns: startColumns.filter((id) => known.has(id) && (id !== compositeId || scored)),
    sort: scored ? compositeId : 'loss_recovered',
    descending: true,
    grouped: true,
    intervals: true,
    all: false,
    x: known.has('l0@v1') ? 'l0@v1' : 'd_sae',
    y: known.has('loss_recovered') ? 'loss_recovered' : 'layer',
    xScale: 'auto',
    yScale: 'auto',
    panels: 'model',
    colour: 'architecture',
    shape: 'd_sae',
    whiskers: true,
    frontier: true,
    shared: false,
    weights: presets[0].weights,
    at: null,
    pick: [],
  };
}

/** Switches by their key in the address; written where they differ from the start view. */
const switches = ['grouped', 'intervals', 'all', 'whiskers', 'frontier', 'shared'] as const;
const scales = { xscale: 'xScale', yscale: 'yScale' } as const;
const splitKeys = ['panels', 'colour', 'shape'] as const;

/** Between the columns of an address: the ids of curves' points have commas in them. */
const LIST = '~';

/** Pairs of the address, in a fixed order; none for the start view. */
export function addressOf(state: State, start: State): [key: string, value: string][] {
  const pairs: [string, string][] = [];
  if (state.q !== '') pairs.push(['q', state.q]);
  for (const name of facetNames) {
    if (sameSet(state.facets[name], start.facets[name])) continue;
    // None ticked is all of them, which of a facet that starts with some must be said.
    const values = state.facets[name].length === 0 ? ['*'] : state.facets[name];
    for (const value of values) pairs.push([name, value]);
  }
  for (const name of rangeNames) {
    const { from, to } = state.ranges[name];
    if (from !== null || to !== null) pairs.push([name, `${from ?? ''}..${to ?? ''}`]);
  }
  if (state.columns.join(LIST) !== start.columns.join(LIST))
    pairs.push(['columns', state.columns.join(LIST)]);
  if (state.sort !== start.sort || state.descending !== start.descending)
    pairs.push(['sort', `${state.descending ? '-' : ''}${state.sort}`]);
  for (const key of ['x', 'y'] as const) if (state[key] !== start[key]) pairs.push([key, state[key]]);
  for (const [key, name] of Object.entries(scales) as [string, 'xScale' | 'yScale'][])
    if (state[name] !== start[name]) pairs.push([key, state[name]]);
  for (const key of splitKeys) if (state[key] !== start[key]) pairs.push([key, state[key]]);
  for (const key of switches) if (state[key] !== start[key]) pairs.push([key, state[key] ? '1' : '0']);
  const preset = presetOf(state.weights);
  if (preset !== presetOf(start.weights)) pairs.push(['weights', preset ?? state.weights.join(',')]);
  if (state.at !== null) pairs.push(['at', state.at]);
  for (const id of state.pick) pairs.push(['pick', id]);
  return pairs;
}

/** The query of an address, with the signs left as they are that may stand in one. */
export function queryOf(state: State, start: State): string {
  const escaped = (text: string): string =>
    encodeURIComponent(text).replace(/%(?:2C|40|3A|2F)/g, (code) => decodeURIComponent(code));
  const pairs = addressOf(state, start).map(([key, value]) => `${escaped(key)}=${escaped(value)}`);
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

export interface Read {
  state: State;
  /** What the address asks for and these records do not have, in words. */
  unknown: string[];
}

/** What an address asks for; what it does not say is as in the start view. */
export function stateOf(query: string, columns: Columns, start: State): Read {
  const asked = new URLSearchParams(query);
  const unknown: string[] = [];
  const known = (value: string, allowed: (value: string) => boolean, key: string): boolean => {
    if (allowed(value)) return true;
    unknown.push(`${key}=${value}`);
    return false;
  };
  const fields = new Set(numberFieldsOf(columns).map(({ id }) => id));
  const ids = new Set(columns.text.id.values);

  const keep = { ...start.facets };
  for (const name of facetNames) {
    if (!asked.has(name)) continue;
    const values = new Set(facetValues(columns, name));
    const wanted = [...new Set(asked.getAll(name))].filter((value) => value !== '*');
    keep[name] = wanted.filter((value) => known(value, (one) => values.has(one), name));
  }
  const between = { ...start.ranges };
  for (const name of rangeNames) {
    const text = asked.get(name);
    if (text === null) continue;
    const ends = /^(-?[\d.]*)\.\.(-?[\d.]*)$/.exec(text)?.slice(1).map(numberOrNull);
    if (known(text, () => ends?.every((end) => end === null || Number.isFinite(end)) ?? false, name))
      between[name] = { from: ends?.[0] ?? null, to: ends?.[1] ?? null };
  }
  const one = <Value extends string>(
    key: string,
    now: Value,
    allowed: (value: string) => value is Value,
  ): Value => {
    const value = asked.get(key);
    return value !== null && known(value, allowed, key) ? (value as Value) : now;
  };
  const isField = (value: string): value is string => fields.has(value);
  const isSplit = (value: string): value is string => Object.hasOwn(splits, value);
  const isScale = (value: string): value is Scale => ['auto', 'linear', 'log'].includes(value);
  const isId = (value: string): value is string => ids.has(value);
  const isSortable = (value: string): value is string => {
    const field = value.replace(/^-/, '');
    return field === 'name' || isField(field);
  };
  const chosen = asked.get('columns')?.split(LIST).filter(Boolean);
  const sort = one('sort', `${start.descending ? '-' : ''}${start.sort}`, isSortable);
  const flags = Object.fromEntries(
    switches.map((key) => {
      const value = asked.get(key);
      return [
        key,
        value !== null && known(value, (one) => /^[01]$/.test(one), key) ? value === '1' : start[key],
      ];
    }),
  ) as Pick<State, (typeof switches)[number]>;
  return {
    state: {
      ...start,
      ...flags,
      q: asked.get('q') ?? '',
      facets: keep,
      ranges: between,
      columns: chosen?.filter((value) => known(value, isField, 'columns')) ?? start.columns,
      sort: sort.replace(/^-/, ''),
      descending: sort.startsWith('-'),
      x: one('x', start.x, isField),
      y: one('y', start.y, isField),
      xScale: one('xscale', start.xScale, isScale),
      yScale: one('yscale', start.yScale, isScale),
      panels: one('panels', start.panels, isSplit),
      colour: one('colour', start.colour, isSplit),
      shape: one('shape', start.shape, isSplit),
      weights: weightsOf(asked.get('weights'), start.weights, unknown),
      at: asked.has('at') ? one('at', '', isId) || null : null,
      pick: [...new Set(asked.getAll('pick'))]
        .filter((id) => known(id, isId, 'pick'))
        .slice(0, MOST_COMPARED),
    },
    unknown,
  };
}

function weightsOf(text: string | null, start: Weights, unknown: string[]): Weights {
  if (text === null) return start;
  const preset = presets.find(({ id }) => id === text);
  if (preset !== undefined) return preset.weights;
  const numbers = text.split(',').map(Number);
  const fits =
    numbers.length === start.length && numbers.every((weight) => weight >= 0 && weight <= 100) && text !== '';
  if (fits) return numbers;
  unknown.push(`weights=${text}`);
  return start;
}

function numberOrNull(text: string): number | null {
  return text === '' ? null : Number(text);
}

export function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value) => b.includes(value));
}

/** Values a facet may be ticked at, as the address has them, in the order they are listed. */
export function facetValues({ text, numbers }: Columns, name: Facet): string[] {
  const { field } = facets[name];
  if (!isNumberField(field)) return [...text[field].values].toSorted(inWords.compare);
  const present = numbers[field].filter((value) => value !== null);
  return [...new Set(present)].toSorted((a, b) => a - b).map(String);
}
