import { expect, it } from 'vitest';
import { measure } from '../../../runner/report/measure.ts';
import { recordObject } from '../../../runner/report/schema.ts';
import { suiteOf, testRows } from '../metrics/rows.ts';

it('returns what the record holds: measures with intervals, windows and curves', () => {
  const { metrics, curves, statistics } = suiteOf(testRows([20, 30, 25, 10]));
  for (const [id, found] of Object.entries(metrics)) {
    expect(measure.parse(found), id).toEqual(found);
    if (found.value === null) throw new Error(id);
    expect(found.interval!.low, id).toBeLessThanOrEqual(found.interval!.high);
  }
  expect(recordObject.shape.metrics.parse(metrics)).toEqual(metrics);
  expect(recordObject.shape.curves.parse(curves)).toEqual(curves);
  expect(metrics['alive@v1']).toMatchObject({ window_tokens: 85 });
  expect(metrics['dead_fraction@v1']).toMatchObject({ window_tokens: 85 });
  expect(metrics['l0@v1']).not.toHaveProperty('window_tokens');
  expect(Object.keys(statistics)).toEqual(Object.keys(metrics));
  expect(curves.alive.at(-1)).toEqual({ tokens: 85, alive: metrics['alive@v1'].value });
});
