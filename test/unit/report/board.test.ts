import { describe, expect, it } from 'vitest';
import { random } from '../../../runner/math/random.ts';
import { standings } from '../../../runner/report/board.ts';
import { pairedDifference } from '../../../runner/report/paired.ts';
import { record } from '../../../runner/report/schema.ts';
import { fixture } from '../site/fixtures.ts';
import { withDraws } from '../site/with-draws.ts';
import { boardOf } from './scored.ts';

const ID = 'interpscore@0.0.1';

describe('the standings of a board', () => {
  const best = withDraws(fixture('small-world-l0'), 0.7, 1);
  const near = withDraws(fixture('small-world-l2'), 0.699, 2);
  const far = withDraws(fixture('small-world-l4'), 0.69, 3);

  it('leave open the ranks of those that are not told apart', () => {
    expect(standings([far, best, near], ID)).toEqual([
      { from: 3, to: 3, unresolved: [] },
      { from: 1, to: 2, unresolved: [2] },
      { from: 1, to: 2, unresolved: [1] },
    ]);
  });

  it('tell values over different rows apart by their intervals alone', () => {
    const elsewhere = withDraws(fixture('small-world-l2'), 0.699, 2, 'c');
    expect(standings([best, elsewhere], ID)).toEqual([
      { from: 1, to: 2, unresolved: [1] },
      { from: 1, to: 2, unresolved: [0] },
    ]);
    // Intervals of ±0.02 leave a difference of 0.02 · √2 = 0.0283 open; of three pairs each leaves more.
    const lower = withDraws(fixture('small-world-l2'), 0.67, 2, 'c');
    expect(standings([best, lower], ID).map((one) => one!.from)).toEqual([1, 2]);
    const between = withDraws(fixture('small-world-l2'), 0.6717, 2, 'c');
    expect(standings([best, between], ID).map((one) => one!.from)).toEqual([1, 2]);
    const third = withDraws(fixture('small-world-l4'), 0.3, 3, 'd');
    expect(standings([best, between, third], ID).map((one) => [one!.from, one!.to])).toEqual([
      [1, 2],
      [1, 2],
      [3, 3],
    ]);
  });

  it('are of no one without an interval, and count none of them among the ranks', () => {
    const bare = structuredClone(near);
    bare.suites.interpscore!.measures!['interpscore@0.0.1'] = { value: 0.95, interval: null };
    expect(standings([far, bare, best, fixture('awkward-import')], ID)).toEqual([
      { from: 2, to: 2, unresolved: [] },
      null,
      { from: 1, to: 1, unresolved: [] },
      null,
    ]);
  });

  it('judge all pairs together: of many equal SAEs one that leads by luck is no leader', () => {
    const equal = boardOf(random('equal'), { saes: 20, rows: 64, gap: 0, count: 400 });
    for (const each of equal) expect(record.safeParse(each).error).toBeUndefined();
    const pairs = equal.flatMap((a, i) => equal.slice(i + 1).map((b) => pairedDifference(a, b, ID)!));
    // One at a time some of 190 pairs leave out a zero that is true, and would split the board.
    expect(pairs.filter(({ resolved }) => resolved).length).toBeGreaterThan(0);
    expect(pairs.every(({ method }) => method === 'studentised')).toBe(true);
    expect(standings(equal, ID).every((standing) => standing?.from === 1 && standing.to === 20)).toBe(true);
  });

  it('tell apart SAEs that differ by more than their rows leave open', () => {
    const spaced = boardOf(random('spaced'), { saes: 6, rows: 64, gap: 0.02 });
    expect(standings(spaced, ID).map((standing) => [standing!.from, standing!.to])).toEqual(
      spaced.map((_, i) => [i + 1, i + 1]),
    );
  });
});
