import { describe, expect, it } from 'vitest';
import { publishedRecords } from '../../../../runner/report/published.ts';
import { compareRecords } from '../../../../site/lib/comparison.ts';
import { fixture } from '../fixtures.ts';
import { withDraws } from '../with-draws.ts';

const sections = compareRecords([fixture('small-world-l0'), fixture('small-world-l4')]);

function row(key: string, from = sections) {
  const found = from.flatMap((section) => section.rows).find((one) => one.key === key);
  if (!found) throw new Error(`no row ${key}`);
  return found;
}

describe('compareRecords', () => {
  it('keeps the sections in reading order', () => {
    expect(sections.map((section) => section.title)).toEqual([
      'InterpScore',
      'Reconstruction and sparsity',
      'Loss',
      'SAEBench core',
      'k-sparse probing',
      'Targeted probe perturbation (SAEBench)',
      'Spurious correlation removal',
      'Architecture',
      'Training',
      'Evaluation data',
    ]);
  });

  it('gives statistics with interval, window, change and definition', () => {
    const alive = row('metrics.alive@v1');
    expect(alive.definition).toBe('alive@v1');
    expect(alive.differs).toBe(true);
    expect(alive.cells[1]).toEqual({
      text: '0.9120',
      details: ['0.9089–0.9148', '131,072 tokens'],
      reason: null,
      change: '−0.0680',
      difference: expect.closeTo(-0.068, 4),
      changeInterval: null,
      resolved: true,
      other: true,
    });
    expect(alive.cells[0]).toMatchObject({ change: null, resolved: null, other: false });
  });

  it('sets values over k and N beside each other, each k and N a row', () => {
    const pair = compareRecords([fixture('small-world-l0'), fixture('small-world-l2')]);
    const found = row('k-sparse.accuracy.5', pair);
    expect(found).toMatchObject({ label: 'k-sparse acc., k = 5', definition: 'probe_acc_k@saebench' });
    expect(found.cells.map(({ text }) => text)).not.toContain(null);
    expect(row('tpp.tpp.500', pair).label).toBe('TPP (SAEBench), N = 500');
    // A record from before these suites says nothing of them.
    expect(row('scr.scr.10').cells[1]).toMatchObject({ text: null });
  });

  it('does not call overlapping intervals apart', () => {
    expect(row('interpscore.probes.sentiment').cells[1]).toMatchObject({ resolved: null });
  });

  it('says why a value is missing', () => {
    expect(row('metrics.loss_mean@v1').cells[1]).toMatchObject({
      text: null,
      reason: 'Mean ablation was not asked for.',
      change: null,
    });
  });

  it('marks settings that differ, and only those', () => {
    expect(row('training.seed')).toMatchObject({
      differs: true,
      cells: [{ text: '42' }, { text: '43', other: true }],
    });
    expect(row('training.batchTokens').differs).toBe(false);
  });

  it('compares records with little in common', () => {
    const [published] = publishedRecords();
    if (!published) throw new Error('no published record');
    const mixed = compareRecords([fixture('small-world-l0'), published, fixture('awkward-import')]);
    expect(row('interpscore.interpscore@0.0.1', mixed).cells.map((cell) => cell.text)).toEqual([
      '0.7670',
      '0.7788',
      null,
    ]);
    expect(row('interpscore.interpscore@0.0.1', mixed).cells[1]?.details).toEqual(['no interval']);
    expect(row('training.wallTime', mixed).cells[0]).toMatchObject({
      text: null,
      reason: 'The record does not say.',
    });
    for (const section of mixed) {
      for (const one of section.rows) expect(one.cells).toHaveLength(3);
    }
  });

  it('takes no difference of alive shares over different windows', () => {
    const [published] = publishedRecords();
    if (!published) throw new Error('no published record');
    const mixed = compareRecords([fixture('small-world-l0'), published]);
    for (const key of ['interpscore.alive@v1', 'metrics.alive@v1', 'metrics.dead_fraction@v1']) {
      expect(row(key, mixed).cells[1]).toMatchObject({
        text: expect.any(String),
        change: null,
        resolved: null,
      });
    }
    expect(row('interpscore.loss_recovered@interpscore-0.0.1', mixed).cells[1]?.change).toBe('+0.0191');
  });

  it('says of a paired difference whether it is resolved', () => {
    const first = withDraws(fixture('small-world-l0'), 0.7, 1);
    const near = compareRecords([first, withDraws(fixture('small-world-l2'), 0.699, 2)]);
    expect(row('interpscore.interpscore@0.0.1', near).cells[1]).toMatchObject({
      change: '−0.0010',
      changeInterval: expect.stringMatching(/^−0\.00\d\d to \+0\.00\d\d \(percentile\)$/),
      resolved: false,
    });
    const far = compareRecords([first, withDraws(fixture('small-world-l2'), 0.68, 2)]);
    expect(row('interpscore.interpscore@0.0.1', far).cells[1]).toMatchObject({
      change: '−0.0200',
      resolved: true,
    });
    const same = compareRecords([first, withDraws(fixture('small-world-l2'), 0.7, 1)]);
    expect(row('interpscore.interpscore@0.0.1', same).cells[1]).toMatchObject({
      change: '0.0000',
      changeInterval: null,
      resolved: null,
    });
  });

  it('leaves out what nobody has', () => {
    const bare = compareRecords([fixture('awkward-import')]);
    expect(bare.map((section) => section.title)).not.toContain('SAEBench core');
    expect(bare.map((section) => section.title)).not.toContain('Evaluation data');
  });
});
