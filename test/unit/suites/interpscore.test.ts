import { describe, expect, it } from 'vitest';
import { random } from '../../../runner/math/random.ts';
import { resampleRows } from '../../../runner/metrics/bootstrap.ts';
import { constant, type Estimate, sumOf } from '../../../runner/metrics/statistic.ts';
import { interpScoreOf as recordedScore } from '../../../runner/report/measures.ts';
import type { Part } from '../../../runner/report/schema.ts';
import {
  interpScoreOf,
  interpScoreSuite,
  interpScoreWeights,
  l0Score,
} from '../../../runner/suites/interpscore/composite.ts';
import published from '../../fixtures/metrics/published-interpscore.json' with { type: 'json' };
import { expectDeclared } from './declared.ts';

/** Half a unit of the last decimal a number was published with. */
function rounding(value: number): number {
  const decimals = String(value).split('.')[1]?.length ?? 0;
  return 0.5 * 10 ** -Math.max(decimals, 3);
}

describe('the published composites', () => {
  it.each(published.rows)('follow from the published components: $sae_repo layer $layer', (row) => {
    const { components } = row;
    const inputs = (Object.keys(components) as (keyof typeof components)[]).reduce(
      (total, name) => total + interpScoreWeights[name] * rounding(components[name]),
      0,
    );
    const gap = Math.abs(interpScoreOf(components) - row.interp_score);
    expect(gap).toBeLessThanOrEqual(inputs + rounding(row.interp_score));
  });

  it('are seven', () => {
    expect(published.rows).toHaveLength(7);
  });
});

describe('l0Score', () => {
  it('is exp(−|ln(L0/80)|), and 0 without active latents', () => {
    expect(l0Score(80)).toBe(1);
    expect(l0Score(128)).toBe(0.625);
    expect(l0Score(64)).toBe(0.8);
    expect(l0Score(0)).toBe(0);
    for (const l0 of [1, 33.3, 79, 81, 500]) {
      expect(l0Score(l0)).toBeCloseTo(Math.exp(-Math.abs(Math.log(l0 / 80))), 14);
    }
  });
});

describe('interpScoreSuite', () => {
  const resamples = resampleRows(60, { count: 1000 });
  const stream = random('interpscore');
  const spread = (middle: number, width: number): Estimate =>
    sumOf(
      Float64Array.from({ length: 60 }, () => (middle + width * stream.gaussian()) / 60),
      resamples,
    );
  const inputs = {
    loss_recovered: spread(0.9, 0.1),
    alive: spread(0.8, 0.05),
    l0: constant(64, resamples),
    sparse_probing: spread(0.85, 0.1),
    tpp: spread(0.2, 0.1),
    window_tokens: 250_000,
  };

  it('weighs the components, in the value and in every resample', () => {
    const { statistics, part, metrics } = interpScoreSuite(inputs);
    const interpscore = interpScoreRecorded(part);
    const score = statistics['interpscore@0.0.1'];
    if (score.value === null) throw new Error(score.reason);
    const of = (pick: (estimate: Estimate) => number): number =>
      0.3 * pick(inputs.loss_recovered) +
      0.15 * pick(inputs.alive) +
      0.15 * 0.8 +
      0.25 * pick(inputs.sparse_probing) +
      0.15 * pick(inputs.tpp);
    expect(score.value).toBeCloseTo(
      of((estimate) => estimate.value),
      14,
    );
    for (const b of [0, 17, 999])
      expect(score.samples[b]).toBeCloseTo(
        of((estimate) => estimate.samples[b]!),
        14,
      );
    expect(metrics['l0_score@interpscore-0.0.1'].value).toBe(0.8);
    expect(interpscore.components.alive).toMatchObject({ window_tokens: 250_000 });
    expectDeclared('interpscore', part);
  });

  it('carries remarks beside components', () => {
    const { part } = interpScoreSuite({ ...inputs, notes: { loss_recovered: 'clipped from 1.01' } });
    const interpscore = interpScoreRecorded(part);
    expect(interpscore.components.loss_recovered).toMatchObject({ note: 'clipped from 1.01' });
    expect(interpscore.components.tpp).not.toHaveProperty('note');
  });

  it('is null and names what is missing', () => {
    const { part } = interpScoreSuite({ ...inputs, tpp: { value: null, reason: 'no data set' } });
    const interpscore = interpScoreRecorded(part);
    expect(interpscore.score).toEqual({
      value: null,
      reason: 'not all components were measured: tpp (no data set)',
    });
    expect(interpscore.components.tpp).toEqual({ value: null, reason: 'no data set' });
    expectDeclared('interpscore', part);
  });

  it('has weights that sum to 1', () => {
    expect(Object.values(interpScoreWeights).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 14);
  });
});

function interpScoreRecorded(part: Part) {
  return recordedScore({ suites: { interpscore: part } })!;
}
