import { describe, expect, it } from 'vitest';
import { strip } from '../../../../site/charts/strip.ts';

const plain = { low: null, high: null, floor: null, reference: null };

describe('strip', () => {
  it('is the whole scale of a bounded statistic, with everything in its place', () => {
    const drawn = strip(
      { value: 0.5, low: 0.25, high: 0.75, floor: 0.1, reference: 0.9, bounds: [0, 1] },
      100,
    );
    expect(drawn).toEqual({
      width: 100,
      point: 50,
      low: 25,
      high: 75,
      floor: 10,
      reference: 90,
      zero: null,
      from: 0,
      to: 1,
    });
  });

  it('goes from 0 to a round value where there is no bound, and marks 0 where it is inside', () => {
    expect(strip({ ...plain, value: 31.98, bounds: [0, null] })).toMatchObject({ from: 0, to: 50 });
    expect(strip({ ...plain, value: 128, bounds: [0, null] })).toMatchObject({ to: 200 });
    expect(strip({ ...plain, value: 0, bounds: [0, null] }).to).toBeGreaterThan(0);
    expect(strip({ ...plain, value: -1, bounds: [null, 1] }, 100)).toMatchObject({
      from: -1,
      zero: 50,
      point: 0,
    });
  });

  it('keeps what lies beyond a bound at its end', () => {
    expect(strip({ ...plain, value: 1.24, bounds: [0, 1] }, 100).point).toBe(100);
  });
});
