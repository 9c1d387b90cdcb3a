import { describe, expect, it } from 'vitest';
import { describePanel, kSparsePanels, scrPanel, tppPanel } from '../../../../site/lib/concepts.ts';
import { fixture } from '../fixtures.ts';

const { k_sparse, tpp_saebench, scr_saebench } = fixture('small-world-l2');

describe('panels over k and N', () => {
  it('set the SAE beside raw channels and the whole residual', () => {
    const [accuracy, auroc] = kSparsePanels(k_sparse!);
    expect(accuracy!.definition).toBe('probe_acc_k@saebench');
    expect(auroc!.definition).toBe('probe_auc_k@saebench');
    expect(accuracy!.series.map(({ label }) => label)).toEqual(['SAE', 'channels', 'ceiling']);
    const point = k_sparse!.points[2]!;
    if (point.accuracy.value === null) throw new Error('no value');
    expect(accuracy!.series[0]!.points[2]).toEqual({
      x: 5,
      y: point.accuracy.value,
      low: point.accuracy.interval!.low,
      high: point.accuracy.interval!.high,
    });
    expect(accuracy!.rows[2]!.cells.map(({ interval }) => interval)).not.toContain(null);
    expect(describePanel(accuracy!, (value) => value.toFixed(2))).toMatch(
      /^Last values: SAE 0\.\d\d, channels /,
    );
  });

  it('hold each data set where there are several', () => {
    expect(kSparsePanels(k_sparse!)[0]!.sets).toHaveLength(
      k_sparse!.data_sets.length < 2 ? 0 : k_sparse!.data_sets.length,
    );
    const [set] = k_sparse!.data_sets;
    const fewer = { ...set!, name: 'another', points: set!.points.slice(1) };
    const [accuracy] = kSparsePanels({ ...k_sparse!, data_sets: [set!, fewer] });
    expect(accuracy!.sets.map(({ name }) => name)).toEqual([set!.name, 'another']);
    expect(accuracy!.sets[0]!.cells[0]!.value).not.toBeNull();
    expect(accuracy!.sets[1]!.cells[0]!.value).toBeNull();
    expect(accuracy!.sets[1]!.cells).toHaveLength(k_sparse!.points.length);
    expect(kSparsePanels({ ...k_sparse!, data_sets: [set!] })[0]!.sets).toEqual([]);
  });

  it('show what a class loses, and what the others do', () => {
    const panel = tppPanel(tpp_saebench!);
    expect(panel.series.map(({ label }) => label)).toEqual(['TPP', 'own', 'others']);
    expect(panel.rows.map(({ at }) => at)).toEqual([2, 5, 10, 20, 50, 100, 500]);
  });

  it('give the reason of a missing value, and draw no point for it', () => {
    const panel = scrPanel(scr_saebench!);
    expect(panel.columns).toHaveLength(4);
    expect(panel.rows[0]!.cells[2]).toMatchObject({
      value: null,
      reason: expect.stringMatching(/neither direction counts/),
    });
    const missing = scr_saebench!.points.map(({ n }) => ({
      n,
      value: { value: null, reason: 'none' } as const,
    }));
    expect(scrPanel({ ...scr_saebench!, points: missing }).series).toEqual([]);
  });
});
