import { describe, expect, it } from 'vitest';
import { linearAxis, logAxis } from '../../../../site/charts/scale.ts';

describe('axes', () => {
  it('reach the values asked for', () => {
    const axis = linearAxis([0.2, 0.9], [100, 0], { include: [0], count: 5, format: (v) => v.toFixed(1) });
    expect(axis.ticks).toEqual([
      { at: 100, label: '0.0' },
      { at: 80, label: '0.2' },
      { at: 60, label: '0.4' },
      { at: 40, label: '0.6' },
      { at: 20, label: '0.8' },
      { at: 0, label: '1.0' },
    ]);
  });

  it('have ticks at whole numbers where nothing else can be told', () => {
    const axis = linearAxis([0, 3], [0, 30], { format: (value) => value.toFixed(0) });
    expect(axis.ticks.map(({ label }) => label)).toEqual(['0', '1', '2', '3']);
  });

  it('survive no value and a single value', () => {
    expect(linearAxis([], [0, 10], { format: String }).at(0.5)).toBe(5);
    expect(Number.isFinite(linearAxis([3], [0, 10], { format: String }).at(3))).toBe(true);
    expect(Number.isFinite(logAxis([], [0, 10], String).at(2))).toBe(true);
    expect(logAxis([100], [0, 10], String).at(100)).toBe(5);
  });

  it('mark 1, 2, 5 on a short logarithm and powers alone on a long one', () => {
    expect(logAxis([10e6, 200e6], [0, 100], String).ticks.map((tick) => Number(tick.label) / 1e6)).toEqual([
      10, 20, 50, 100, 200,
    ]);
    expect(logAxis([100, 1e6], [0, 100], String).ticks).toEqual([
      { at: 0, label: '100' },
      { at: 25, label: '1000' },
      { at: 50, label: '10000' },
      { at: 75, label: '100000' },
      { at: 100, label: '1000000' },
    ]);
  });
});
