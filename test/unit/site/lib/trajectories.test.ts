import { describe, expect, it } from 'vitest';
import { publishedRecords } from '../../../../runner/report/published.ts';
import type { EvaluationRecord } from '../../../../runner/report/schema.ts';
import { isLightCheckpoint } from '../../../../site/lib/along-training.ts';
import { shortLabel } from '../../../../site/lib/short-labels.ts';
import { type TrajectorySet, trajectorySet, withRecord } from '../../../../site/lib/trajectories.ts';
import {
  canBeAlong,
  metricsOf,
  startView,
  TABLE_POINTS,
  trajectoryPanels,
  trajectoryTables,
} from '../../../../site/lib/trajectory-charts.ts';
import {
  isFlat,
  type LoggedKey,
  scaleOf,
  trajectoryMetrics,
} from '../../../../site/lib/trajectory-metrics.ts';
import { drawSet } from '../../../../site/lib/trajectory-page.ts';
import { fixture, fixtures } from '../fixtures.ts';

/** A record as it would be of the same SAE after a step. */
function atStep(step: number, varExp: number | null, id = 'L4'): EvaluationRecord {
  const entry = fixture('small-world-l4');
  return {
    ...entry,
    trajectory: null,
    id: `along-${id.toLowerCase()}-${step}`,
    sae: {
      ...entry.sae,
      name: `small-world ${id} step ${step}`,
      k: id === 'L4_k8' ? 8 : 32,
      tokens_trained: 2_048 * step,
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

function panelOf(set: TrajectorySet, key: string, view = startView) {
  return trajectoryPanels(set, view, 'a').find(({ metric }) => metric.key === key);
}

describe('trajectories', () => {
  it('draw every record that has one, each line with its own colour whatever is left out', () => {
    const set = trajectorySet(fixtures)!;
    expect(set.lines.map(({ label }) => label)).toEqual(['L0', 'L2', 'L4']);
    expect(set.definitions).toEqual(['var_exp@pooled-v1']);
    const view = { ...startView, without: new Set(['small-world-l2']) };
    const lines = panelOf(set, 'loss', view)!.spec.series;
    expect(lines.map(({ label, index }) => [label, index])).toEqual([
      ['L0', 0],
      ['L4', 2],
    ]);
  });

  it('hold what was logged, each metric once, and end where it ended', () => {
    const entry = fixture('small-world-l4');
    const set = trajectorySet([entry])!;
    const logged = Object.keys(entry.trajectory!.points[0]!).filter(
      (key) => !['tokens', 'step'].includes(key),
    );
    expect(
      metricsOf(set)
        .map(({ key }) => key)
        .toSorted(),
    ).toEqual(logged.toSorted());
    const last = entry.trajectory!.points.at(-1)!;
    for (const { key } of trajectoryMetrics.filter((metric) => logged.includes(metric.key)))
      expect(set.lines[0]!.logged[key]!.at(-1)).toBeCloseTo(last[key as LoggedKey]!, 4);
    const [table] = trajectoryTables(trajectorySet(fixtures)!);
    expect(table!.rows).toHaveLength(3 * TABLE_POINTS);
    expect(table!.rows.filter(({ label }) => label === 'L0').at(-1)!.tokens).toBe('2,000,000');
  });

  it('go along steps and along the time that the speed of each stretch gives', () => {
    const set = trajectorySet([fixture('small-world-l4')])!;
    const { points } = fixture('small-world-l4').trajectory!;
    let seconds = 0;
    for (const [i, { tokens, tokens_per_second: speed }] of points.entries())
      seconds += (tokens - (points[i - 1]?.tokens ?? 0)) / speed!;
    const view = { ...startView, along: 'time' as const };
    const { spec } = panelOf(set, 'loss', view)!;
    expect(spec.x.label).toBe('training time (log)');
    expect(spec.series[0]!.x.at(-1)).toBeCloseTo(seconds, 1);
    expect(panelOf(set, 'loss', { ...startView, along: 'steps' })!.spec.series[0]!.x.at(-1)).toBe(
      points.at(-1)!.step,
    );
    // The published log has neither; it stays along tokens.
    const published = trajectorySet(publishedRecords())!;
    expect(canBeAlong(published, 'time')).toBe(false);
    expect(panelOf(published, 'dead', view)!.spec.x.label).toBe('training tokens (log)');
  });

  it('keep gaps as gaps', () => {
    const set = trajectorySet(publishedRecords())!;
    expect(metricsOf(set).map(({ key }) => key)).toEqual(['var_exp', 'dead']);
    expect(panelOf(set, 'dead')!.spec.series[0]!.x).toEqual([40e6, 70e6, 90e6, 200e6]);
    expect(trajectoryTables(set)[0]!.rows[0]).toEqual({
      label: 'L11',
      tokens: '10,000,000',
      cells: ['0.716', null],
    });
  });

  it('show what was measured beside what was logged, by the same colour', () => {
    const set = trajectorySet([fixture('small-world-l4'), atStep(100, 0.5), atStep(10, 0.2)])!;
    const [own, beside] = panelOf(set, 'var_exp')!.spec.series;
    expect(own!.loose).toBeUndefined();
    expect(beside).toMatchObject({ index: 0, loose: true, x: [20_480, 204_800, 2_000_000] });
    const finished = fixture('small-world-l4').metrics['var_exp@pooled-v1']!;
    expect(beside!.y).toEqual([0.2, 0.5, finished.value]);
    expect(beside!.low!.slice(0, 2)).toEqual([0.19, 0.49]);
    // Along steps they stand where the log counts as many tokens.
    const steps = panelOf(set, 'var_exp', { ...startView, along: 'steps' })!.spec.series[1]!.x;
    expect(steps[1]).toBeGreaterThan(90);
    expect(steps[1]).toBeLessThan(110);
  });

  it('measure light checkpoints along the line of their SAE, keep SAEs apart and a missing value a gap', () => {
    const set = trajectorySet([
      atStep(1, 0.1),
      atStep(10, null),
      atStep(100, 0.8),
      atStep(1, 0.05, 'L4_k8'),
      atStep(10, 0.3, 'L4_k8'),
    ])!;
    expect(set.lines).toEqual([]);
    const { spec } = panelOf(set, 'var_exp@pooled-v1')!;
    expect(spec.series.map(({ label, x }) => [label, x])).toEqual([
      ['k32', [2_048, 204_800]],
      ['k8', [2_048, 20_480]],
    ]);
    const [table] = trajectoryTables(set);
    const column = table!.columns.indexOf('Variance explained');
    expect(table!.rows.map(({ cells }) => cells[column])).toEqual([
      '0.1000 (0.0900–0.1100)',
      null,
      '0.8000 (0.7900–0.8100)',
      '0.0500 (0.0400–0.0600)',
      '0.3000 (0.2900–0.3100)',
    ]);
    expect(metricsOf(set).map(({ key }) => key)).toContain('interpscore@0.0.1');
  });

  it('take a logarithmic value axis where a metric falls by more than a decade, and stays above 0', () => {
    const [loss, dead] = ['loss', 'dead'].map((key) => trajectoryMetrics.find((one) => one.key === key)!);
    expect(scaleOf(loss!, [40, 20, 3])).toBe('log');
    expect(scaleOf(loss!, [40, 20, 5])).toBe('linear');
    expect(scaleOf(loss!, [40, 0])).toBe('linear');
    expect(scaleOf(dead!, [1, 400])).toBe('linear');
  });

  it('fold what does not move, and say its value', () => {
    expect(isFlat([[32, 32.1], [31.98]])).toBe(true);
    expect(
      isFlat([
        [32, 32.1],
        [30, 32],
      ]),
    ).toBe(false);
    expect(isFlat([[0, 0]])).toBe(true);
    const drawn = drawSet(trajectorySet(fixtures)!, startView, 'a').text;
    expect(drawn).toContain('<summary>Without change: L0 32</summary>');
    const [moving = '', folded = ''] = drawn.split('class="data folded"');
    expect(moving).toContain('data-metric="loss"');
    expect(folded).toContain('data-metric="l0"');
    expect(folded).not.toContain('data-metric="loss"');
  });

  it('tell records of one layer apart in few letters', () => {
    const entry = fixture('small-world-l4');
    const set = trajectorySet([entry, fixture('small-world-l0'), { ...entry, id: 'again' }])!;
    expect(set.lines.map(({ label }) => label)).toEqual(['L4·1', 'L0', 'L4·2']);
    const swept = [8, 16].flatMap((k) =>
      [0, 1].map((seed) => ({
        ...entry,
        id: `k${k}-s${seed}`,
        sae: { ...entry.sae, k, training: { k, seed } },
      })),
    );
    expect(swept.map((each) => shortLabel(each, swept))).toEqual(['k8 s0', 'k8 s1', 'k16 s0', 'k16 s1']);
    // Where one name is too long, all are numbered, so that they read alike.
    const long = swept.map((each, i) => ({
      ...each,
      sae: {
        ...each.sae,
        architecture: i === 0 ? ('matryoshka' as const) : ('topk' as const),
        d_sae: 2 ** (20 + i),
        training: null,
      },
    }));
    expect(long.map((each) => shortLabel(each, long))).toEqual(['L4·1', 'L4·2', 'L4·3', 'L4·4']);
  });

  it('keep few enough points to be sent, the first and the last among them', () => {
    const entry = fixture('small-world-l4');
    const points = Array.from({ length: 5_000 }, (_, i) => ({
      tokens: 2_048 * (i + 1),
      var_exp: i / 5_000,
      dead: i,
    }));
    const long = { ...entry, trajectory: { ...entry.trajectory!, points } };
    const { tokens } = trajectorySet([long])!.lines[0]!;
    expect(tokens.length).toBeLessThan(260);
    expect(tokens[0]).toBe(2_048);
    expect(tokens.at(-1)).toBe(2_048 * 5_000);
  });

  it('take one more SAE under a name of its own, with what was measured of it', () => {
    const set = trajectorySet([fixture('small-world-l0')])!;
    const other = { ...fixture('small-world-l0'), id: 'other' };
    const both = withRecord(set, other)!;
    expect(both.lines.map(({ key, label }) => [key, label])).toEqual([
      ['small-world-l0', 'L0'],
      ['other', 'L0·2'],
    ]);
    expect(both.measured.at(-1)).toMatchObject({ key: 'other', line: 1 });
    expect(withRecord(both, other)).toBe(both);
    expect(withRecord(set, fixture('awkward-import'))).toBeNull();
    expect(set.lines).toHaveLength(1);
  });

  it('are absent where no record has one, and foreign names are text', () => {
    expect(trajectorySet([fixture('awkward-import')])).toBeNull();
    expect(trajectorySet([])).toBeNull();
    const entry = fixture('small-world-l4');
    const named = { ...entry, sae: { ...entry.sae, name: '<b>"name"</b>' } };
    const drawn = drawSet(trajectorySet([named, fixture('small-world-l0')])!, startView, 'a').text;
    expect(drawn).toContain('&lt;b&gt;&quot;name&quot;&lt;/b&gt;');
    expect(drawn).not.toContain('<b>"name"');
  });

  it('of light checkpoints are known by what they are of', () => {
    expect(isLightCheckpoint(fixture('small-world-l4'))).toBe(false);
    expect(isLightCheckpoint(atStep(1, 0.1))).toBe(true);
  });
});
