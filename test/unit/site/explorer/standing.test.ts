import { describe, expect, it } from 'vitest';
import { brackets, orderedStandings, publishedStandings } from '../../../../site/explorer/standing.ts';
import { columnsFrom, sourceOf } from './sample.ts';

const columns = columnsFrom([
  { name: 'A', rank: [0, 1, 2], score: 0.8 },
  { name: 'B', rank: [0, 1, 3], score: 0.79 },
  { name: 'C', rank: [0, 2, 3], score: 0.7 },
  { name: 'D', rank: [0, 4, 4], score: 0.5 },
  { name: 'E', rank: [1, 1, 1], score: 0.9 },
  { name: 'F', score: 0.99 },
]);
const standings = publishedStandings(columns);

describe('standings', () => {
  it('are those of the records; what is not ranked has none', () => {
    expect(standings.map((standing) => standing && [standing.best, standing.worst])).toEqual([
      [1, 2],
      [1, 3],
      [2, 3],
      [4, 4],
      [1, 1],
      null,
    ]);
  });

  it('by values alone stay within their group and claim nothing', () => {
    const found = orderedStandings(sourceOf(columns), [0.1, 0.2, null, 0.2, 0.9, 1]);
    expect(found.map((standing) => standing?.best ?? null)).toEqual([3, 1, null, 1, 1, null]);
    expect(found.every((standing) => standing === null || !standing.resolved)).toBe(true);
  });
});

describe('brackets', () => {
  it('join neighbours whose ranks overlap', () => {
    expect(brackets([0, 1, 2, 3], standings)).toEqual(['start', 'middle', 'end', null]);
    expect(brackets([0, 2], standings)).toEqual(['start', 'end']);
  });

  it('join none that hold their rank alone', () => {
    expect(brackets([3, 4, 5], standings)).toEqual([null, null, null]);
  });
});
