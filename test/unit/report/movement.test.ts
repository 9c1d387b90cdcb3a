import { describe, expect, it } from 'vitest';
import { movements } from '../../../runner/report/movement.ts';
import { fixture } from '../site/fixtures.ts';

const before = fixture('small-world-l0');

function changed(by: number) {
  const after = structuredClone(before);
  const found = after.metrics['var_exp@pooled-v1'];
  if (found?.value == null) throw new Error('no variance explained');
  found.value += by;
  return after;
}

describe('movements', () => {
  it('are none between a record and itself', () => {
    const { compared, same, moved } = movements(before, before);
    expect(compared).toBeGreaterThan(15);
    expect(same).toBe(compared);
    expect(moved).toEqual([]);
  });

  it('name the number that left its interval, and only that', () => {
    const { interval } = before.metrics['var_exp@pooled-v1'] as { interval: { low: number; high: number } };
    const inside = movements(before, changed((interval.high - interval.low) / 10));
    expect(inside.moved).toEqual([]);
    expect(inside.same).toBe(inside.compared - 1);
    const outside = movements(before, changed(-2 * (interval.high - interval.low)));
    expect(outside.moved.map(({ path }) => path)).toEqual(['metrics.var_exp@pooled-v1']);
  });

  it('include a value that is gone, or that came to be', () => {
    const after = structuredClone(before);
    after.metrics['l0@v1'] = { value: null, reason: 'not asked for' };
    expect(movements(before, after).moved).toMatchObject([{ path: 'metrics.l0@v1', after: null }]);
    expect(movements(after, before).moved).toMatchObject([{ path: 'metrics.l0@v1', before: null }]);
  });
});
