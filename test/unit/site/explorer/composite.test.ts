import { describe, expect, it } from 'vitest';
import { interpScoreComponents } from '../../../../runner/report/definitions.ts';
import { interpScoreOf } from '../../../../runner/report/measures.ts';
import {
  components,
  composite,
  composites,
  presetOf,
  presets,
  shares,
} from '../../../../site/explorer/composite.ts';
import { columnsOf } from '../../../../site/lib/columns-of.ts';
import { fixtures } from '../fixtures.ts';
import { columnsFrom } from './sample.ts';

describe('the composite', () => {
  it('has the components and weights of the definition', () => {
    expect(components.map(({ id, weight }) => [id, weight / 100])).toEqual(
      Object.values(interpScoreComponents).map(({ definition, weight }) => [definition, weight]),
    );
  });

  it('gives the published InterpScore by its weights, of every record that has one', () => {
    const columns = columnsOf(fixtures);
    let compared = 0;
    fixtures.forEach((entry, row) => {
      const score = interpScoreOf(entry)?.score.value ?? null;
      expect(composites(columns, presets[0].weights)[row]).toBe(columns.metrics['interpscore@0.0.1']![row]);
      if (score === null) return;
      const values = components.map(({ id }) => columns.metrics[id]![row]!);
      expect(composite(values, shares(presets[0].weights))).toBeCloseTo(score, 5);
      compared++;
    });
    expect(compared).toBe(3);
  });

  it('is weighed anew by other weights, whatever their total', () => {
    const columns = columnsFrom([{ name: 'A', parts: [0.9, 0.8, 0.4, 0.95, 0.1], score: 0.7 }]);
    expect(composites(columns, [100, 0, 0, 0, 0])).toEqual([0.9]);
    expect(composites(columns, [1, 1, 0, 0, 0])[0]).toBeCloseTo(0.85, 12);
    expect(composites(columns, [30, 15, 15, 25, 0])[0]).toBeCloseTo(
      (0.3 * 0.9 + 0.15 * 0.8 + 0.15 * 0.4 + 0.25 * 0.95) / 0.85,
      12,
    );
  });

  it('is missing where a part that counts is, and only then', () => {
    const columns = columnsFrom([{ name: 'A', parts: [0.9, null, 0.4, 0.95, 0.1] }]);
    expect(composites(columns, [50, 50, 0, 0, 0])).toEqual([null]);
    expect(composites(columns, [100, 0, 0, 0, 0])).toEqual([0.9]);
    expect(composites(columns, [0, 0, 0, 0, 0])).toEqual([null]);
  });

  it('knows its presets by proportion', () => {
    expect(presets.map(({ weights }) => presetOf(weights))).toEqual(presets.map(({ id }) => id));
    expect(presetOf([3, 1.5, 1.5, 2.5, 1.5])).toBe('interpscore');
    expect(presetOf([7, 0, 0, 0, 0])).toBe('reconstruction');
    expect(presetOf([1, 1, 1, 1, 1])).toBeNull();
  });
});
