import { describe, expect, it } from 'vitest';
import { facetCounts, filterRows, groupNumbers, orderRows } from '../../../../site/explorer/rows.ts';
import { type State, startOf } from '../../../../site/explorer/state.ts';
import { columnsFrom, sourceOf } from './sample.ts';

const columns = columnsFrom([
  { name: 'TopK L4', layer: 4, l0: 20, loss: 0.9, score: 0.7, rank: [0, 1, 2] },
  { name: 'ReLU L31', layer: 31, l0: 40, loss: 0.95, architecture: 'relu', score: 0.8, rank: [0, 1, 2] },
  { name: 'TopK L10', model: 'other/model', layer: 10, l0: 80, loss: 0.5, d_sae: 16384 },
  { name: 'Unmeasured', model: 'other/model', layer: 10, d_sae: 16384 },
  { name: 'Quoted', kind: 'external', l0: 5, loss: 0.4 },
]);
const source = sourceOf(columns);
const start = startOf(columns);
const kept = (change: Partial<State>): number[] => filterRows(source, { ...start, ...change });
const ticked = (facets: Partial<State['facets']>): Partial<State> => ({
  facets: { ...start.facets, ...facets },
});

describe('filters', () => {
  it('leave the start view its kinds', () => {
    expect(kept({})).toEqual([0, 1, 2, 3]);
    expect(kept(ticked({ kind: [] }))).toEqual([0, 1, 2, 3, 4]);
  });

  it('keep one of the values ticked, of every facet', () => {
    expect(kept(ticked({ architecture: ['relu'] }))).toEqual([1]);
    expect(kept(ticked({ model: ['other/model', 'lab/model'], width: ['16384'] }))).toEqual([2, 3]);
    expect(kept(ticked({ definition: ['loss_recovered@saebench-core'] }))).toEqual([0, 1, 2]);
  });

  it('hold numbers between two ends, both included, and leave out what has none', () => {
    expect(kept({ ranges: { ...start.ranges, layer: { from: 10, to: 31 } } })).toEqual([1, 2, 3]);
    expect(kept({ ranges: { ...start.ranges, l0: { from: null, to: 40 } } })).toEqual([0, 1]);
    expect(kept({ ranges: { ...start.ranges, l0: { from: 40, to: 20 } } })).toEqual([]);
  });

  it('find rows with all the words of a search, wherever they stand', () => {
    expect(kept({ q: 'topk' })).toEqual([0, 2, 3]);
    expect(kept({ q: '  TOPK other ' })).toEqual([2, 3]);
    expect(kept({ q: 'l31' })).toEqual([1]);
    expect(kept({ q: 'blocks.10.' })).toEqual([2, 3]);
    expect(kept({ q: '.*' })).toEqual([]);
  });

  it('count what each value of a facet would keep beside the others', () => {
    const state = { ...start, ...ticked({ architecture: ['relu'], model: ['lab/model'] }) };
    expect(facetCounts(source, state, 'architecture')).toEqual(
      new Map([
        ['topk', 1],
        ['relu', 1],
      ]),
    );
    expect(facetCounts(source, state, 'model')).toEqual(new Map([['lab/model', 1]]));
  });
});

describe('order', () => {
  const ordered = (change: Partial<State>) => {
    const state = { ...start, ...change };
    return orderRows(source, state, filterRows(source, state));
  };

  it('sorts within model, hook and text, groups in the order of the records', () => {
    const groups = ordered({ sort: 'l0@v1', descending: true });
    expect(groups.map(({ heading, rows }) => [heading?.model, rows])).toEqual([
      ['lab/model', [1, 0]],
      ['other/model', [2, 3]],
    ]);
  });

  it('puts rows without a value last in both directions', () => {
    for (const descending of [true, false]) {
      const [group] = ordered({ sort: 'l0@v1', descending, grouped: false });
      expect(group!.rows.at(-1)).toBe(3);
    }
    expect(ordered({ sort: 'l0@v1', descending: false, grouped: false })[0]!.rows).toEqual([0, 1, 2, 3]);
  });

  it('sorts names as people count', () => {
    expect(ordered({ sort: 'name', descending: false, grouped: false })[0]!.rows).toEqual([1, 0, 2, 3]);
  });

  it('keeps rows apart that are ranked apart, and the unranked with the first of their place', () => {
    const numbers = groupNumbers(
      columnsFrom([
        { name: 'A' },
        { name: 'B', rank: [0, 1, 1] },
        { name: 'C', rank: [1, 1, 1] },
        { name: 'D', rank: [0, 2, 2] },
        { name: 'E', text: 'books' },
      ]),
    );
    expect(numbers[0]).toBe(numbers[1]);
    expect(numbers[1]).toBe(numbers[3]);
    expect(new Set(numbers).size).toBe(3);
  });
});
