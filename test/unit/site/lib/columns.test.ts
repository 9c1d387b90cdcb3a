import { describe, expect, it } from 'vitest';
import { interpScoreComponents } from '../../../../runner/report/definitions.ts';
import { drawsOf } from '../../../../runner/report/paired.ts';
import { publishedRecords } from '../../../../runner/report/published.ts';
import { drawsAt, modelSlug, textAt } from '../../../../site/lib/columns.ts';
import { columnsOf, drawsByModel, metricColumns } from '../../../../site/lib/columns-of.ts';
import { fixture, fixtures } from '../fixtures.ts';
import { withDraws } from '../with-draws.ts';

const records = [...fixtures, ...publishedRecords()];
const columns = columnsOf(records);
const rowOf = (id: string): number => records.findIndex((entry) => entry.id === id);

describe('columns of records', () => {
  it('have a cell for each row, and say what the record says', () => {
    expect(columns.count).toBe(records.length);
    for (const { at } of Object.values(columns.text)) expect(at).toHaveLength(records.length);
    for (const column of [...Object.values(columns.numbers), ...Object.values(columns.metrics)])
      expect(column).toHaveLength(records.length);
    const row = rowOf('qwen3.6-27b-papergrade-l31');
    expect(textAt(columns, 'model', row)).toBe('Qwen/Qwen3.6-27B');
    expect(textAt(columns, 'site', row)).toBe('resid_post');
    expect(textAt(columns, 'site', rowOf('small-world-l2'))).toBe('resid_post');
    expect(textAt(columns, 'release', row)).toBe('caiovicentino1-qwen36-27b-sae-papergrade');
    expect(textAt(columns, 'loss_definition', row)).toBe('loss_recovered@interpscore-0.0.1');
    expect(textAt(columns, 'text', rowOf('awkward-import'))).toBeNull();
    expect(columns.numbers.layer[row]).toBe(31);
    expect(columns.numbers.depth[row]).toBe(0.5);
    expect(columns.metrics['interpscore@0.0.1']![row]).toBe(0.76);
    expect(columns.metrics['interpscore@0.0.1']![rowOf('awkward-import')]).toBeNull();
  });

  it('name what any row has, and only that', () => {
    const ids = columns.available.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toContain('var_exp@chunk-v1');
    expect(ids).not.toContain('autointerp@saebench');
    const score = columns.available.find(({ id }) => id === 'interpscore@0.0.1')!;
    expect(score).toMatchObject({ direction: 'up', digits: 4 });
    expect(columns.available.find(({ id }) => id === 'l0@v1')!.direction).toBeNull();
    expect(columns.available.find(({ id }) => id.startsWith('scr@'))!.warning).toMatch(/unreliable/);
  });

  it('have the points of curves as columns', () => {
    const points = columns.available.filter(({ definition }) => definition === 'probe_acc_k@saebench');
    const curve = fixture('small-world-l0').suites['k-sparse']!.curves!.accuracy!;
    expect(points.map(({ id }) => id)).toEqual(curve.points.map(({ at }) => `probe_acc_k@saebench,k=${at}`));
    const column = metricColumns(records).get(points[0]!.id)!;
    expect(column.value[rowOf('small-world-l0')]).toBeCloseTo(
      curve.points[0]!.values.sae!.value ?? Number.NaN,
      5,
    );
  });

  it('say what an untrained SAE scores on its own row', () => {
    const id = 'loss_recovered@interpscore-0.0.1';
    const control = fixture('small-world-l0').controls!.values.find(
      (each) => each.control === 'untrained' && each.id === id,
    )!;
    const columns = metricColumns(records);
    expect(columns.get(id)!.untrained[rowOf('small-world-l0')]).toBe(control.measure.value);
    // Of a curve its line there, which records from before it was measured do not have.
    const [first] = fixture('small-world-l0').suites['k-sparse']!.curves!.accuracy!.points;
    const { untrained } = columns.get(`probe_acc_k@saebench,k=${first!.at}`)!;
    expect(untrained[rowOf('small-world-l0')]).toBeCloseTo(first!.values.untrained!.value!, 5);
    expect(untrained[rowOf('small-world-l2')]).toBeNull();
  });

  it('give intervals only where the record has them', () => {
    const column = metricColumns(records).get('interpscore@0.0.1')!;
    const row = rowOf('small-world-l0');
    const { interval } = fixture('small-world-l0').suites.interpscore!.measures!['interpscore@0.0.1'] as {
      interval: { low: number; high: number };
    };
    expect([column.low[row], column.high[row]]).toEqual([interval.low, interval.high]);
    expect(column.low[rowOf('qwen3.6-27b-papergrade-l31')]).toBeNull();
  });

  it('carry the resamples by model', () => {
    const entry = withDraws(fixture('small-world-l0'), 0.7, 1);
    entry.paired!.draws['alive@v1'] = entry.paired!.draws['interpscore@0.0.1']!;
    const file = drawsByModel([fixture('awkward-import'), entry]).get(modelSlug(entry.model.id))!;
    expect(file.rows).toEqual([1]);
    const alive = file.components.indexOf('alive@v1');
    const expected = drawsOf(entry, 'alive@v1')!.samples;
    const step = entry.paired!.draws['alive@v1']!.step;
    const found = drawsAt(file, 0, alive)!;
    expect(found).toHaveLength(expected.length);
    found.forEach((sample, b) => {
      expect(Math.abs(sample - expected[b]!)).toBeLessThanOrEqual(step);
    });
    expect(drawsAt(file, 0, file.components.indexOf('tpp@interpscore-0.0.1'))).toBeNull();
  });

  it('tell resamples of two versions of a model apart, though their rows are the same', () => {
    const entry = withDraws(fixture('small-world-l0'), 0.7, 1);
    entry.paired!.draws['alive@v1'] = entry.paired!.draws['interpscore@0.0.1']!;
    const model = { ...entry.model, sha256: null, revision: 'a' };
    const alive = Object.keys(interpScoreComponents).indexOf('alive');
    const over = (...revisions: string[]) =>
      drawsByModel(revisions.map((revision) => ({ ...entry, model: { ...model, revision } })))
        .get(modelSlug(entry.model.id))!
        .over.map((one, _, [first]) => one[alive] === first![alive]);
    expect(over('a', 'a', 'b')).toEqual([true, true, false]);
  });

  it('rank within one model and text, and only what has an interval', () => {
    const rowsOf = (model: string) =>
      records.flatMap((entry, row) => (entry.model.id === model ? [row] : []));
    for (const row of rowsOf('Qwen/Qwen3.6-27B')) expect(columns.rank.best[row]).toBeNull();
    const ours = rowsOf('interpboard/small-world');
    expect(new Set(ours.map((row) => columns.rank.group[row])).size).toBe(1);
    // Without resamples their intervals decide, and two overlap.
    expect(ours.map((row) => columns.rank.best[row])).toEqual([1, 2, 2]);
    expect(ours.map((row) => columns.rank.worst[row])).toEqual([1, 3, 3]);
  });
});
