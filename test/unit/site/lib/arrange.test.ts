import { describe, expect, it } from 'vitest';
import { publishedRecords } from '../../../../runner/report/published.ts';
import { arrangeRecords, groupByModel } from '../../../../site/lib/arrange.ts';
import { fixture, fixtures } from '../fixtures.ts';

const entries = [...publishedRecords(), ...fixtures].map((data) => ({ id: `${data.id}.json`, data }));

describe('arrangeRecords', () => {
  it('orders by kind, model and layer, whatever the order of files', () => {
    const ids = arrangeRecords(entries).map((entry) => entry.id);
    expect(ids.slice(0, 7)).toEqual([
      'small-world-l0',
      'small-world-l2',
      'small-world-l4',
      'qwen3.6-27b-papergrade-l11',
      'qwen3.6-27b-papergrade-l31',
      'qwen3.6-27b-papergrade-l55',
      'awkward-import',
    ]);
    expect(arrangeRecords(entries.toReversed()).map((entry) => entry.id)).toEqual(ids);
  });

  it('puts the rows of a table behind the other records of their kind', () => {
    const [first, second] = publishedRecords().filter(({ kind }) => kind === 'published');
    const row = {
      ...first!,
      id: 'a-row',
      model: { ...first!.model, id: 'aaa/first-by-name' },
      provenance: { ...first!.provenance, table: 'some-table' },
    };
    const entriesOf = [row, second!, first!].map((data) => ({ id: `${data.id}.json`, data }));
    expect(arrangeRecords(entriesOf).at(-1)?.id).toBe('a-row');
  });

  it('refuses two files with one id, naming both', () => {
    const data = fixture('small-world-l0');
    expect(() =>
      arrangeRecords([
        { id: 'a.json', data },
        { id: 'b/c.json', data },
      ]),
    ).toThrow(/"small-world-l0" in both a\.json and b\/c\.json/);
  });
});

describe('groupByModel', () => {
  it('keeps order and knows which models may be ranked', () => {
    const groups = groupByModel(arrangeRecords(entries));
    expect(groups.map((group) => [group.records.length, group.ranked])).toEqual([
      [3, true],
      [3, true],
      [1, true],
      [1, false],
      [1, false],
      [1, false],
      [1, false],
    ]);
  });
});
