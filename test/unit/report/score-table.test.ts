import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { combinedExport, layerExport, validationExport } from '../../../runner/report/exports.ts';
import { interpScoreOf } from '../../../runner/report/measures.ts';
import { type EvaluationRecord, record } from '../../../runner/report/schema.ts';
import { scoreTable } from '../../../runner/report/score-table.ts';

const records: EvaluationRecord[] = [0, 2, 4].map((layer) =>
  record.parse(
    JSON.parse(
      readFileSync(
        new URL(`../../fixtures/site/records/small-world-l${layer}.json`, import.meta.url),
        'utf8',
      ),
    ),
  ),
);
const [first] = records as [EvaluationRecord, ...EvaluationRecord[]];

describe('scoreTable', () => {
  const lines = scoreTable(records).split('\n');

  it('has a header, a rule, and two aligned lines an SAE', () => {
    expect(lines).toHaveLength(2 + 2 * records.length);
    expect(lines[0]).toMatch(/layer\s+InterpScore\s+var_exp\s+L0/);
    const width = lines[1]!.length;
    expect(lines.every((line) => line.length <= width)).toBe(true);
  });

  it('prints values with the digits of their definition and their intervals below', () => {
    const score = interpScoreOf(first)!.score;
    if (score.value === null || score.interval === null) throw new Error('the fixture has a score');
    expect(lines[2]).toContain(score.value.toFixed(4));
    expect(lines[3]).toContain(`${score.interval.low.toFixed(3)}–${score.interval.high.toFixed(3)}`);
  });

  it('puts no dash beside a minus sign', () => {
    const below = structuredClone(first);
    below.metrics['var_exp@pooled-v1'] = {
      value: -0.15,
      interval: { low: -0.167, high: -0.14 },
      method: 'studentised@3',
    };
    expect(scoreTable([below])).toContain('-0.167 to -0.140');
  });

  it('begins with what a synthetic model knows of an SAE, without columns that nothing was asked for', () => {
    const known = structuredClone(first);
    known.metrics = { 'l0@v1': first.metrics['l0@v1']! };
    known.suites = {
      'ground-truth': {
        measures: {
          'mcc@synthsaebench': { value: 0.4, interval: null, interval_note: 'none' },
          'f1@synthsaebench': { value: 0.3, interval: { low: 0.2, high: 0.35 }, method: 'studentised@3' },
        },
      },
    } as never;
    expect(
      scoreTable([known])
        .split('\n')
        .map((line) => line.trim().split(/\s+/)),
    ).toEqual([
      ['layer', 'MCC', 'F1', 'L0'],
      expect.anything(),
      ['0', '0.4000', '0.3000', '31.98'],
      ['0.200–0.350', expect.any(String)],
    ]);
    // What another SAE of the run has is n/a here.
    expect(scoreTable([known, records[1]!]).split('\n')[2]).toContain('n/a');
  });

  it('prints n/a for what was not measured, and below the table why', () => {
    const without = structuredClone(first);
    without.metrics['var_exp@pooled-v1'] = { value: null, reason: 'no tokens' };
    const printed = scoreTable([without]);
    expect(printed.split('\n')[2]).toContain('n/a');
    expect(printed).toMatch(/\nvar_exp n\/a: no tokens$/);
  });
});

describe('exports of the reference release', () => {
  const named = records.map((record) => ({ id: `L${record.sae.layer}`, record }));

  it('tell several SAEs of a layer apart', () => {
    const saes = [16, 32].map((k) => ({ id: `L0_k${k}`, record: first }));
    expect(Object.keys(validationExport(saes))).toEqual(['0_k16', '0_k32']);
    expect(combinedExport(saes).sources).toEqual({
      '0_k16': 'interpscore_L0_k16.json',
      '0_k32': 'interpscore_L0_k32.json',
    });
  });

  it('have its keys for a layer', () => {
    // The keys that interpscore_L{N}.json of the reference evaluation has.
    expect(Object.keys(layerExport(first))).toEqual(
      (
        'version sae_repo model layer d_model d_sae k tokens_trained eval_tokens probing_tasks probing_per_task_auc ' +
        'tpp_concept tpp_top_features L_clean L_sae L_zero L0 dead_frac components weights interp_score elapsed_sec'
      ).split(' '),
    );
    expect(layerExport(first)).toMatchObject({ version: '0.0.1', layer: 0, d_sae: first.sae.d_sae });
  });

  it('have its keys for the combined file, and the best layer by score', () => {
    const combined = combinedExport(named);
    expect(Object.keys(combined)).toEqual([
      'version',
      'sae_repo',
      'model',
      'tokens_trained',
      'timestamp',
      'per_layer',
      'best_layer',
      'sources',
    ]);
    const scores = records.map((each) => interpScoreOf(each)!.score.value!);
    expect(combined.best_layer).toBe([0, 2, 4][scores.indexOf(Math.max(...scores))]);
  });

  it('have its keys and units for validation', () => {
    const report = validationExport(named);
    expect(Object.keys(report)).toEqual(['0', '2', '4']);
    expect(Object.keys(report['0']!)).toEqual(['var_expl', 'l0', 'alive', 'dead_pct']);
    const alive = first.metrics['alive@v1'];
    if (alive?.value == null) throw new Error('the fixture has alive');
    expect(report['0']!.alive).toBe(Math.round(alive.value * first.sae.d_sae));
    expect(report['0']!.dead_pct).toBeCloseTo(100 * (1 - alive.value), 6);
  });

  it('write null for what was not measured', () => {
    const without = structuredClone(first);
    delete without.metrics['loss_zero@v1'];
    expect(layerExport(without).L_zero).toBeNull();
  });
});
