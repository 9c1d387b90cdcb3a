import { describe, expect, it } from 'vitest';
import { rankedKinds } from '../../../../runner/report/schema.ts';
import { presets } from '../../../../site/explorer/composite.ts';
import {
  addressOf,
  queryOf,
  type State,
  startKinds,
  startOf,
  stateOf,
} from '../../../../site/explorer/state.ts';
import { columnsFrom } from './sample.ts';

const columns = columnsFrom([
  { name: 'One', l0: 20, loss: 0.9, score: 0.7, layer: 4, parts: [0.9, 0.9, 0.9, 0.9, 0.9] },
  { name: 'Two', l0: 40, loss: 0.95, score: 0.8, layer: 31, architecture: 'relu', d_sae: 16384 },
  { name: 'Quoted', kind: 'external', model: 'other/model', loss: 0.5 },
]);
const start = startOf(columns);

/** Every part of the state changed. */
const changed: State = {
  q: 'a+b & c=d #1',
  facets: {
    model: ['lab/model'],
    hook: ['resid_post'],
    architecture: ['relu', 'topk'],
    width: ['16384'],
    kind: [],
    definition: ['loss_recovered@saebench-core'],
    release: [],
    text: ['web'],
  },
  ranges: { layer: { from: 3, to: null }, l0: { from: 0.5, to: 100 } },
  columns: ['tokens', 'l0@v1', 'alive@v1'],
  sort: 'name',
  descending: false,
  grouped: false,
  intervals: false,
  all: true,
  x: 'd_sae',
  y: 'composite',
  xScale: 'linear',
  yScale: 'log',
  panels: 'none',
  colour: 'layer',
  shape: 'kind',
  whiskers: false,
  frontier: false,
  shared: true,
  weights: [1, 2, 3, 4, 5],
  at: 'two',
  pick: ['two', 'one'],
};

describe('the address', () => {
  it('is empty for the start view, and reads as it', () => {
    expect(queryOf(start, start)).toBe('');
    expect(stateOf('', columns, start)).toEqual({ state: start, unknown: [] });
  });

  it('keeps every choice', () => {
    const query = queryOf(changed, start);
    expect(stateOf(query, columns, start)).toEqual({ state: changed, unknown: [] });
    // Each part says something of its own.
    for (const key of Object.keys(changed) as (keyof State)[]) {
      const alone = { ...start, [key]: changed[key] };
      expect(addressOf(alone, start), key).not.toEqual([]);
      expect(stateOf(queryOf(alone, start), columns, start).state, key).toEqual(alone);
    }
  });

  it('reads well', () => {
    const state = {
      ...start,
      x: 'alive@v1',
      facets: { ...start.facets, model: ['lab/model'] },
      sort: 'l0@v1',
    };
    expect(queryOf(state, start)).toBe('?model=lab/model&sort=-l0@v1&x=alive@v1');
    expect(queryOf({ ...start, weights: presets[1].weights }, start)).toBe('?weights=without-tpp');
    // A proportion, whatever its total.
    expect(queryOf({ ...start, weights: [60, 30, 30, 50, 30] }, start)).toBe('');
  });

  it('says what it asks for that is not here, and shows the start view of that', () => {
    const asked =
      '?model=gone&x=nothing@v1&columns=l0@v1~gone@v1&weights=1,2&layer=deep&at=nobody&sort=-gone&panels=moon&all=7&pick=two&pick=nobody';
    const { state, unknown } = stateOf(asked, columns, start);
    expect(unknown.toSorted()).toEqual(
      [
        'all=7',
        'at=nobody',
        'columns=gone@v1',
        'layer=deep',
        'model=gone',
        'panels=moon',
        'pick=nobody',
        'sort=-gone',
        'weights=1,2',
        'x=nothing@v1',
      ].toSorted(),
    );
    expect(state).toEqual({ ...start, columns: ['l0@v1'], pick: ['two'] });
  });

  it.each(['__proto__', 'constructor', 'toString'])('takes no key of an object for a field: %s', (name) => {
    const { state, unknown } = stateOf(
      `?x=${name}&panels=${name}&colour=${name}&sort=${name}`,
      columns,
      start,
    );
    expect(state).toEqual(start);
    expect(unknown).toHaveLength(4);
  });

  it('holds hostile numbers and lists', () => {
    expect(stateOf('?l0=1e999..2&layer=--1..2', columns, start).unknown).toHaveLength(2);
    expect(stateOf('?weights=NaN,1,1,1,1', columns, start).state.weights).toEqual(start.weights);
    const picks = ['one', 'two', 'quoted', 'one'].map((id) => `pick=${id}`).join('&');
    expect(stateOf(`?${picks}`, columns, start).state.pick).toEqual(['one', 'two', 'quoted']);
  });
});

describe('the start view', () => {
  it('leaves out kinds that are not ranked, and only where there are any', () => {
    expect(startKinds).toEqual(rankedKinds);
    expect(start.facets.kind).toEqual(['measured']);
    expect(startOf(columnsFrom([{ name: 'One', loss: 1 }])).facets.kind).toEqual([]);
  });

  it('has L0 against loss recovered, a panel for each model', () => {
    expect([start.x, start.y, start.panels]).toEqual(['l0@v1', 'loss_recovered', 'model']);
  });

  it('stands on what there is where there is neither', () => {
    const bare = startOf(columnsFrom([{ name: 'One' }]));
    expect([bare.x, bare.y]).toEqual(['d_sae', 'layer']);
  });
});
