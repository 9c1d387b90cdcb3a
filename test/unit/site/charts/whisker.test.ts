import { describe, expect, it } from 'vitest';
import { whisker, whiskerDomain } from '../../../../site/charts/whisker.ts';

describe('whisker', () => {
  it('places a value and its bounds', () => {
    expect(whisker({ domain: [0.7, 0.8], width: 120 }, 0.76, 0.75, 0.7733333)).toEqual({
      point: 72,
      low: 60,
      high: 88,
    });
  });

  it('stays inside the scale and draws no bounds it does not have', () => {
    expect(whisker({ domain: [0, 1], width: 50 }, 1.2, null, null)).toEqual({
      point: 50,
      low: null,
      high: null,
    });
    expect(whisker({ domain: [1, 1], width: 50 }, 1, 1, 1)).toEqual({ point: 0, low: 0, high: 0 });
  });

  it('finds a shared scale with round ends', () => {
    expect(whiskerDomain([0.7788, 0.7423, 0.7507])).toEqual([0.7, 0.8]);
    expect(whiskerDomain([0.75, 0.8])).toEqual([0.7, 0.85]);
    expect(whiskerDomain([0.76])).toEqual([0.7, 0.85]);
    expect(whiskerDomain([])).toEqual([0, 1]);
  });
});
