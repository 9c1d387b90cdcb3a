import { describe, expect, it } from 'vitest';
import type { Curve } from '../../../../runner/report/part.ts';
import type { CurveView, TableView } from '../../../../runner/report/suite.ts';
import { suiteOf } from '../../../../runner/report/suites/find.ts';
import { definitionsOf } from '../../../../site/lib/definitions.ts';
import { cellText, curvePanel, panelSpec, tableText } from '../../../../site/lib/views.ts';
import { fixture } from '../fixtures.ts';

const { suites } = fixture('small-world-l2');
const definitionOf = definitionsOf({});

function curveOf(suite: string, key: string): { view: CurveView; curve: Curve } {
  const view = suiteOf({}, suite)!.views.find((each) => each.kind === 'curve' && each.key === key);
  return { view: view as CurveView, curve: suites[suite]!.curves![key]! };
}

function panelOf(suite: string, key: string, curve = curveOf(suite, key).curve) {
  return curvePanel(curveOf(suite, key).view, curve, definitionOf);
}

describe('panels over k and N', () => {
  it('set the SAE beside raw channels and the whole residual', () => {
    const accuracy = panelOf('k-sparse', 'accuracy');
    expect(accuracy.series.map(({ label }) => label)).toEqual(['SAE', 'channels', 'whole']);
    const { points, constants } = suites['k-sparse']!.curves!.accuracy!;
    const own = points[2]!.values.sae!;
    if (own.value === null) throw new Error('no value');
    expect(accuracy.series[0]!.points[2]).toEqual({
      x: 5,
      y: own.value,
      low: own.interval!.low,
      high: own.interval!.high,
    });
    // The ceiling is one value at every k, without whiskers.
    expect(accuracy.series[2]!.points).toEqual(
      points.map(({ at }) => ({ x: at, y: constants!.ceiling!.value })),
    );
    expect(accuracy.rows[2]!.cells.map(({ interval }) => interval)).not.toContain(null);
    const spec = panelSpec(accuracy, 'a', 'some SAE');
    expect(spec.description).toMatch(/^Last values: SAE 0\.\d\d\d, channels /);
    expect(spec.series[0]).toMatchObject({ x: points.map(({ at }) => at), label: 'SAE' });
    expect(spec.series[0]!.low![2]).toBe(own.interval!.low);
    expect(spec.series[2]).not.toHaveProperty('low');
  });

  it('have the line of an untrained SAE where the record has one, and say nothing of it where it does not', () => {
    const { view } = curveOf('k-sparse', 'accuracy');
    const curve = fixture('small-world-l0').suites['k-sparse']!.curves!.accuracy!;
    const panel = curvePanel(view, curve, definitionOf);
    expect(panel.columns.at(-1)).toBe('Untrained SAE');
    expect(panel.series.at(-1)!.points.map(({ y }) => y)).toEqual(
      curve.points.map(({ values }) => values.untrained!.value),
    );
    // A record from before it was measured.
    const older = panelOf('k-sparse', 'accuracy');
    expect(older.columns).toEqual(['k', 'SAE latents', 'Channels', 'All channels']);
    expect(older.rows[0]!.cells).toHaveLength(3);
  });

  it('hold each data set where there are several', () => {
    const { curve } = curveOf('k-sparse', 'accuracy');
    const [set] = curve.sets;
    expect(panelOf('k-sparse', 'accuracy').sets).toEqual([]);
    const fewer = { ...set!, name: 'another', points: set!.points.slice(1) };
    const accuracy = panelOf('k-sparse', 'accuracy', { ...curve, sets: [set!, fewer] });
    expect(accuracy.sets.map(({ name }) => name)).toEqual([set!.name, 'another']);
    expect(accuracy.sets[0]!.cells[0]!.value).not.toBeNull();
    expect(accuracy.sets[1]!.cells[0]!.value).toBeNull();
    expect(accuracy.sets[1]!.cells).toHaveLength(curve.points.length);
  });

  it('show what a class loses, and what the others do', () => {
    const panel = panelOf('tpp', 'tpp');
    expect(panel.series.map(({ label }) => label)).toEqual(['TPP', 'own', 'others']);
    expect(panel.rows.map(({ at }) => at)).toEqual([2, 5, 10, 20, 50, 100, 500]);
  });

  it('give the reason of a missing value, and draw no point for it', () => {
    const panel = panelOf('scr', 'scr');
    expect(panel.sets[1]!.cells[2]).toMatchObject({
      value: null,
      reason: expect.stringMatching(/neither direction counts/),
    });
    const { curve } = curveOf('scr', 'scr');
    const missing = curve.points.map(({ at }) => ({ at, values: { scr: { value: null, reason: 'none' } } }));
    expect(panelOf('scr', 'scr', { ...curve, points: missing }).series).toEqual([]);
  });
});

describe('tables', () => {
  const view = suiteOf({}, 'interpscore')!.views.find(
    (each): each is TableView => each.kind === 'table' && each.key === 'probes',
  )!;

  it('leave out the columns that nobody has anything in', () => {
    const labels = (id: string) =>
      tableText(view, fixture(id).suites.interpscore!.tables!.probes!, definitionOf).columns.map(
        ({ label }) => label,
      );
    expect(labels('small-world-l0')).toContain('AUROC over splits');
    expect(labels('small-world-l2')).not.toContain('AUROC over splits');
  });

  it('say each kind of cell in words', () => {
    const auroc = definitionOf('probe_auc_dense@interpscore-0.0.1');
    const value = { value: 0.5, interval: { low: 0.4, high: 0.6 } };
    expect(cellText(value, auroc)).toMatchObject({ value: '0.5000', interval: '0.4000–0.6000' });
    expect(cellText(1_200, undefined)).toMatchObject({ value: '1,200' });
    expect(cellText(['a', 'b'], undefined)).toMatchObject({ value: 'a, b' });
    expect(cellText([0.25, 0.5], auroc)).toMatchObject({ value: '0.2500–0.5000', note: '2 values' });
    expect(cellText([0, 1, 2], undefined)).toMatchObject({ value: '0, 1, 2', note: null });
    expect(cellText([9, 8, 7, 6, 5, 4, 3], undefined)).toMatchObject({
      value: '9, 8, 7, 6, 5, 4 …',
      note: '7 values',
    });
    expect(cellText(null, undefined)).toBeNull();
    expect(cellText([], undefined)).toBeNull();
  });
});
