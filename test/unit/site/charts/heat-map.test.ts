import { describe, expect, it } from 'vitest';
import { drawHeatMap } from '../../../../site/charts/draw-heat-map.ts';
import { type HeatSpec, heatMap, moved, wordsAt } from '../../../../site/charts/heat-map.ts';

const spec: HeatSpec = {
  id: 'a',
  heading: 'Twins',
  title: 'Twins of a run',
  description: 'Some words.',
  rowName: 'latents of',
  columnName: 'among',
  labels: { rows: ['L0', 'L2 <b>'], columns: ['L0', 'L2 <b>', 'L4'] },
  values: [
    [0.25, 1, null],
    [0.5, 0, 0.75],
  ],
  reasons: [
    [null, null, 'beyond the budget'],
    [null, null, null],
  ],
  floors: [
    [0.1, 0.2, null],
    [0.1, 0.2, 0.3],
  ],
  digits: 3,
  source: 'decoder_twins@cosine-0.7',
};

describe('a heat map', () => {
  it('has a square for each value, as dark as it is large, row below row', () => {
    const { cells, size, columns, rows } = heatMap(spec);
    expect(cells.map(({ row, column, level }) => [row, column, level])).toEqual([
      [0, 0, 0.25],
      [0, 1, 1],
      [0, 2, 0],
      [1, 0, 0.5],
      [1, 1, 0],
      [1, 2, 0.75],
    ]);
    const [first, second, , below] = cells;
    expect([second!.x - first!.x, second!.y - first!.y]).toEqual([size, 0]);
    expect([below!.x - first!.x, below!.y - first!.y]).toEqual([0, size]);
    expect(columns[1]!.x).toBe(second!.x + size / 2);
    expect(rows[1]!.y).toBe(below!.y + size / 2);
  });

  it('marks on its key how much chance would give', () => {
    const { key } = heatMap(spec);
    expect(key.floors).toEqual({ from: key.x + 0.1 * key.width, to: key.x + 0.3 * key.width });
    expect(heatMap({ ...spec, floors: [[null], [null]] }).key.floors).toBeNull();
  });

  it('stays within its width with many SAEs, whose names are turned and cut', () => {
    const names = Array.from({ length: 20 }, (_, i) => `L${i} a rather long name of an SAE`);
    const many = heatMap({
      ...spec,
      labels: { rows: names, columns: names },
      values: names.map(() => names.map(() => 0.5)),
    });
    expect(Math.max(...many.cells.map(({ x }) => x + many.size))).toBeLessThanOrEqual(many.width);
    expect(Math.min(...many.cells.map(({ x }) => x))).toBeGreaterThan(0);
    expect(many.columns[0]).toMatchObject({ turned: true, label: 'L0 a rather long …' });
    expect(many.written).toBe(false);
    expect(many.height).toBeGreaterThan(many.cells.at(-1)!.y + many.size);
  });

  it('is drawn without a value where there is none, and says why', () => {
    const { text } = drawHeatMap(spec);
    expect(text.match(/class="value"/g)).toHaveLength(5);
    expect(text).toContain('L0 among L4: n/a: beyond the budget</title>');
    expect(text).toContain('L0 among L2 &lt;b&gt;: 1.000; random directions 0.200</title>');
    expect(text).not.toContain('<b>');
  });

  it('says a square in words', () => {
    expect(wordsAt(spec, 1, 2)).toEqual({ row: 'L2 <b>', column: 'L4', value: '0.750', floor: '0.300' });
    expect(wordsAt(spec, 0, 2)).toMatchObject({ value: 'n/a: beyond the budget', floor: null });
  });

  it('is walked by keys, and left by no edge', () => {
    const walk = (...keys: string[]) => keys.reduce((at, key) => moved(key, at, 2, 3) ?? at, -1);
    expect(walk('ArrowRight')).toBe(0);
    expect(walk('Home', 'ArrowRight', 'ArrowDown')).toBe(4);
    expect(walk('End', 'ArrowRight', 'ArrowDown')).toBe(5);
    expect(walk('End', 'ArrowUp', 'ArrowUp', 'ArrowLeft')).toBe(1);
    expect(moved('Tab', 0, 2, 3)).toBeNull();
  });
});
