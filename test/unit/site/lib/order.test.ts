import { describe, expect, it } from 'vitest';
import { sortRows } from '../../../../site/lib/order.ts';

describe('sortRows', () => {
  const rows = [{ v: 2 }, { v: null }, { v: 10 }, { v: 0 }, { v: null }];

  it('puts missing values last in both directions', () => {
    expect(sortRows(rows, (row) => row.v, 'ascending').map((row) => row.v)).toEqual([0, 2, 10, null, null]);
    expect(sortRows(rows, (row) => row.v, 'descending').map((row) => row.v)).toEqual([10, 2, 0, null, null]);
  });

  it('counts inside names and keeps the order of equals', () => {
    const names = ['L31', 'L4', 'l11'].map((name) => ({ name }));
    expect(sortRows(names, (row) => row.name, 'ascending').map((row) => row.name)).toEqual([
      'L4',
      'l11',
      'L31',
    ]);
    const ties = [
      { v: 1, at: 'a' },
      { v: 1, at: 'b' },
    ];
    expect(sortRows(ties, (row) => row.v, 'descending').map((row) => row.at)).toEqual(['a', 'b']);
  });

  it('leaves its input alone', () => {
    const before = structuredClone(rows);
    sortRows(rows, (row) => row.v, 'descending');
    expect(rows).toEqual(before);
  });
});
