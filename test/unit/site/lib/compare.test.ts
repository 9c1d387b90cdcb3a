import { describe, expect, it } from 'vitest';
import { publishedRecords } from '../../../../runner/report/published.ts';
import { matching } from '../../../../site/islands/sae-search.ts';
import { compareRecords } from '../../../../site/lib/comparison.ts';
import { comparisonCharts } from '../../../../site/lib/comparison-charts.ts';
import { drawComparison } from '../../../../site/lib/comparison-table.ts';
import { comparableWith, protocolDifferences } from '../../../../site/lib/protocol.ts';
import { compareLabels } from '../../../../site/lib/short-labels.ts';
import { verdicts } from '../../../../site/lib/verdicts.ts';
import { fixture } from '../fixtures.ts';

const [l0, l4] = [fixture('small-world-l0'), fixture('small-world-l4')];

describe('what a comparison comes to', () => {
  const sections = compareRecords([l0, l4]);
  const [verdict] = verdicts(sections, [l0, l4]);
  const cells = sections.flatMap(({ rows }) => rows).filter(({ definition }) => definition !== null);

  it('names every difference once: resolved, open, or unknown', () => {
    const changed = cells.filter(({ cells: [, cell] }) => cell!.change !== null);
    const resolved = changed.filter(({ cells: [, cell] }) => cell!.resolved === true);
    const open = changed.filter(({ cells: [, cell] }) => cell!.resolved === false);
    // Alive latents are a metric and a component.
    const labels = resolved.map(({ label }) => label);
    expect(labels.filter((label) => label === 'Alive latents')).toHaveLength(2);
    expect(verdict!.resolved.map(({ label }) => label)).toEqual([...new Set(labels)]);
    expect(verdict!.open.map(({ label }) => label)).toEqual(open.map(({ label }) => label));
    expect(verdicts(sections, [l0])).toEqual([]);
  });

  it('says who is better by the difference as it is, not as it is printed', () => {
    const higher = cells.find(({ direction }) => direction === 'higher')!;
    const of = (difference: number) => {
      const cell = { ...higher.cells[1]!, difference, change: '0.0000', resolved: true };
      const rows = [{ ...higher, cells: [higher.cells[0]!, cell] }];
      return verdicts([{ title: '', rows }], [l0, l4])[0]!.resolved[0]!.better;
    };
    expect([of(-1e-7), of(1e-7), of(0)]).toEqual([false, true, null]);
  });

  it('says who is better by the direction of the statistic', () => {
    const of = (definition: string) =>
      verdict!.resolved.find(({ href }) => href?.endsWith(`#${definition}`))!;
    const higher = of('var-exp-pooled-v1');
    expect(higher.better).toBe(higher.change.startsWith('+'));
    const lower = of('loss-sae-v1');
    expect(lower.better).toBe(lower.change.startsWith('−'));
    expect(verdict!.resolved.find(({ href }) => href?.includes('loss-clean-v1'))?.better ?? null).toBeNull();
  });
});

describe('what was not measured alike', () => {
  it('is nothing between SAEs of one evaluation', () => {
    expect(protocolDifferences([l0, l4])).toEqual([]);
  });

  it('is said with what each record has', () => {
    const reference = publishedRecords()[0]!;
    const found = protocolDifferences([l0, reference]);
    expect(found.find(({ name }) => name === 'Tokens evaluated')?.values).toEqual(['131,072', '1,000,000']);
    expect(found.find(({ name }) => name === 'Who measured')?.values).toEqual(['Measured', 'Published']);
    const other = { ...l4, data: { ...l4.data!, seed: 44 } };
    expect(protocolDifferences([l0, other])).toEqual([{ name: 'Seed of the text', values: ['43', '44'] }]);
  });

  it('lets no difference count, and is not what a page offers to compare first', () => {
    const sae = { ...l4.sae, hook: 'blocks.4.hook_mlp_out', reads: 'blocks.4.mlp.hook_in' };
    const transcoder = { ...l4, sae };
    const sections = compareRecords([l0, transcoder, l4]);
    const resolved = (column: number) =>
      sections.flatMap(({ rows }) => rows).filter(({ cells }) => cells[column]!.resolved !== null).length;
    expect(resolved(1)).toBe(0);
    expect(resolved(2)).toBeGreaterThan(0);
    const found = verdicts(sections, [l0, transcoder, l4]);
    expect(found[0]).toEqual({ column: 1, unlike: ['hook'], resolved: [], open: [], unknown: 0 });
    expect(found[1]!.resolved.length).toBeGreaterThan(0);
    expect(comparableWith(l0, [transcoder, l0, l4])).toEqual([l4]);
    expect(comparableWith(transcoder, [transcoder, l0, l4])).toEqual([l0, l4]);
  });

  it('is other rows, where all else is alike', () => {
    const paired = { count: 10, probes: 'b'.repeat(64), draws: {} };
    const [a, b] = ['a', 'c'].map((letter) => ({ ...l0, paired: { ...paired, tokens: letter.repeat(64) } }));
    expect(protocolDifferences([a!, b!])).toEqual([
      { name: 'Rows resampled', values: ['rows aaaaaaaa', 'rows cccccccc'] },
    ]);
  });
});

describe('curves over one another', () => {
  it('are densities of one area, alive latents and each suite’s own line', () => {
    const charts = comparisonCharts([
      { label: 'L0', record: l0 },
      { label: 'L4', record: l4 },
    ]);
    const density = charts.find(({ id }) => id === 'compared-density')!;
    for (const [i, record] of [l0, l4].entries()) {
      const { edges, counts, never } = record.curves.density!;
      const area = density.series[i]!.y.reduce((sum, y, bin) => sum + y * (edges[bin + 1]! - edges[bin]!), 0);
      expect(area).toBeCloseTo(counts.reduce((sum, n) => sum + n, 0) / record.sae.d_sae, 9);
      expect(density.description).toContain(`${never}`);
    }
    const probing = charts.find(({ id }) => id === 'compared-k-sparse-accuracy')!;
    expect(probing.series[0]!.y[0]).toBe(
      l0.suites['k-sparse']!.curves!.accuracy!.points[0]!.values.sae!.value,
    );
    expect(comparisonCharts([{ label: 'a', record: fixture('awkward-import') }])).toEqual([]);
  });

  it('are named by layer where that tells them apart', () => {
    const labels = (...records: ReturnType<typeof publishedRecords>): string[] =>
      compareLabels(records.map(({ model, sae }) => ({ model: model.id, layer: sae.layer })));
    expect(labels(l0, l4)).toEqual(['L0', 'L4']);
    expect(labels(l0, l0)).toEqual(['A', 'B']);
    expect(labels(l0, publishedRecords()[0]!)).toEqual(['A', 'B']);
    // A cross-layer transcoder stands at no single layer.
    expect(
      compareLabels([
        { model: 'm', layer: null },
        { model: 'm', layer: 2 },
      ]),
    ).toEqual(['A', 'B']);
  });
});

describe('the table', () => {
  it('shows foreign names as text', () => {
    const drawn = drawComparison(
      '<i>',
      [{ id: 'a', name: '<b>', model: '"m"', href: '/a' }],
      compareRecords([l0]),
    ).text;
    expect(drawn).not.toContain('<b>');
    expect(drawn).toContain('&lt;b&gt;');
    expect(drawn).toContain('&quot;m&quot;');
  });
});

describe('the search', () => {
  const sae = (id: string, words: string) => ({
    id,
    name: id,
    model: '',
    layer: 0,
    kind: 'demo',
    href: '',
    words,
  });

  it('finds what has every word, and not what is picked', () => {
    const saes = [sae('a', 'gemma l12 topk'), sae('b', 'gemma l20 jumprelu'), sae('c', 'pythia l8 topk')];
    const ids = (query: string, without: string[] = []) => matching(saes, query, without).map(({ id }) => id);
    expect(ids('')).toEqual(['a', 'b', 'c']);
    expect(ids(' TopK  gemma')).toEqual(['a']);
    expect(ids('topk', ['a'])).toEqual(['c']);
    expect(ids('llama')).toEqual([]);
  });
});
