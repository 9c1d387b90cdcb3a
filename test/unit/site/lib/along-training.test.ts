import { describe, expect, it } from 'vitest';
import type { EvaluationRecord } from '../../../../runner/report/schema.ts';
import { isLightCheckpoint, measuredPanels } from '../../../../site/lib/along-training.ts';
import { fixture } from '../fixtures.ts';

/** A record as it would be of the same SAE after a step. */
function atStep(step: number, varExp: number | null, id = 'L4'): EvaluationRecord {
  const { trajectory: _, ...entry } = fixture('small-world-l4');
  return {
    ...entry,
    trajectory: null,
    id: `along-${id.toLowerCase()}-${step}`,
    sae: {
      ...entry.sae,
      name: `small-world ${id} step ${step}`,
      k: id === 'L4_k8' ? 8 : 32,
      tokens_trained: 100 * step,
      source: {
        format: 'reference-release',
        revision: null,
        path: null,
        registry: null,
        model_name: null,
        hook_name: null,
        conversions: [],
        light_checkpoint: { of: 'small-world', id, step },
        self_test: null,
      },
    },
    metrics: {
      'var_exp@pooled-v1':
        varExp === null
          ? { value: null, reason: 'not asked for' }
          : { value: varExp, interval: { low: varExp - 0.01, high: varExp + 0.01 } },
    },
  };
}

describe('what was measured along training', () => {
  it('is a line an SAE by its tokens, whatever the order of the records, with intervals', () => {
    const [only, ...others] = measuredPanels([atStep(100, 0.8), atStep(1, 0.1), atStep(10, 0.5)]);
    expect(others).toEqual([]);
    const { metrics, records, rows, thinned } = only!.panel;
    const varExp = metrics.find(({ metric }) => metric.key === 'var_exp@pooled-v1')!;
    expect(varExp.series.map(({ points }) => points)).toEqual([
      [
        { x: 100, y: 0.1, low: 0.1 - 0.01, high: 0.1 + 0.01 },
        { x: 1_000, y: 0.5, low: 0.5 - 0.01, high: 0.5 + 0.01 },
        { x: 10_000, y: 0.8, low: 0.8 - 0.01, high: 0.8 + 0.01 },
      ],
    ]);
    // The last one stands for the line.
    expect(records.map(({ sae }) => sae.name)).toEqual(['small-world L4 step 100']);
    expect(rows.map(({ tokens }) => tokens)).toEqual(['100', '1,000', '10,000']);
    expect(rows[2]!.cells[metrics.indexOf(varExp)]).toBe('0.8000 (0.790–0.810)');
    expect(thinned).toBe(false);
    // The composite and its components are lines too, though records hold them apart.
    const keys = metrics.map(({ metric }) => metric.key);
    expect(keys).toContain('interpscore@0.0.1');
    expect(keys).toContain('loss_recovered@interpscore-0.0.1');
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('keeps the SAEs of a layer apart, and a value that is missing a gap', () => {
    const [only] = measuredPanels([
      atStep(1, 0.1),
      atStep(10, null),
      atStep(100, 0.8),
      atStep(1, 0.05, 'L4_k8'),
      atStep(10, 0.3, 'L4_k8'),
    ]);
    const [varExp] = only!.panel.metrics.filter(({ metric }) => metric.key === 'var_exp@pooled-v1');
    expect(varExp!.series.map(({ label, points }) => [label, points.map(({ x }) => x)])).toEqual([
      ['k32', [100, 10_000]],
      ['k8', [100, 1_000]],
    ]);
    const cells = only!.panel.rows.map(({ cells }) => cells[only!.panel.metrics.indexOf(varExp!)]);
    expect(cells[1]).toBeNull();
  });

  it('is of light checkpoints alone', () => {
    const finished = fixture('small-world-l4');
    expect(isLightCheckpoint(finished)).toBe(false);
    expect(measuredPanels([finished])).toEqual([]);
    expect(measuredPanels([])).toEqual([]);
  });
});
