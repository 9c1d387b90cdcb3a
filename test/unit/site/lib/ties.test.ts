import { describe, expect, it } from 'vitest';
import { leaderboardRows } from '../../../../site/lib/leaderboard.ts';
import { tiesOf } from '../../../../site/lib/ties.ts';
import { fixture } from '../fixtures.ts';
import { withDraws } from '../with-draws.ts';

const best = withDraws(fixture('small-world-l0'), 0.7, 1);
const near = withDraws(fixture('small-world-l2'), 0.699, 2);
const far = withDraws(fixture('small-world-l4'), 0.69, 3);

describe('tie groups', () => {
  it('hold the SAEs whose paired difference to the leader is not resolved', () => {
    const [first, second, third] = tiesOf([best, near, far], [1, 2, 3]);
    expect(first).toMatchObject({ label: 'A', from: 1, to: 2, with: [{ id: 'small-world-l2' }] });
    expect(second).toMatchObject({ label: 'A', with: [{ id: 'small-world-l0' }] });
    // Its separate interval overlaps both: pairing is what resolves it.
    expect(third).toBeNull();
  });

  it('are not formed over different rows', () => {
    const elsewhere = withDraws(fixture('small-world-l2'), 0.699, 2, 'c');
    expect(tiesOf([best, elsewhere], [1, 2])).toEqual([null, null]);
  });

  it('stand in the rows of the leaderboard as the ranks they cover', () => {
    const rows = leaderboardRows([far, best, near], true);
    expect(rows.map(({ rank, tie }) => [rank, tie?.ranks ?? null])).toEqual([
      [1, '1–2'],
      [2, '1–2'],
      [3, null],
    ]);
    expect(rows[0]!.tie!.others).toEqual(['small-world L2']);
    expect(leaderboardRows([best, near], false)[0]!.tie).toBeNull();
  });
});
