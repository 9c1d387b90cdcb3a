import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { merged } from '../../../runner/exchange/merge.ts';
import { measureOf } from '../../../runner/report/measures.ts';
import { record } from '../../../runner/report/schema.ts';
import { curvesOf, fixtures, one, valuesOf } from './import-files.ts';

describe('a core file of SAEBench', () => {
  it('maps every value to the definition it was computed by', async () => {
    const found = await one('core');
    expect(valuesOf(found)).toEqual({
      'kl_recovered@saebench-core': 0.98,
      'kl_zero@saebench-core': 10,
      'kl_sae@saebench-core': 0.2,
      'loss_recovered@saebench-core': 0.975,
      'loss_zero@saebench-core': 12,
      'loss_sae@saebench-core': 3.225,
      'loss_clean@saebench-core': 3,
      'var_exp@saebench-0.6': 0.81,
      'var_exp@saebench-legacy': 0.72,
      'cosine@v1': 0.91,
      'l2_ratio@v1': 0.96,
      'bias@gated-v1': 1.01,
      'l0@v1': 19.75,
      'alive@v1': 0.875,
    });
    expect(found.metrics['alive@v1']).toMatchObject({ window_tokens: 4_096_000, interval: null });
    expect(found.sae).toMatchObject({
      layer: 12,
      d_in: 64,
      d_sae: 4096,
      k: 20,
      architecture: 'topk',
      tokens_trained: null,
    });
    expect(found.model.id).toBe('tiny-model');
    // Not per dimension, so it is not ours; named, not dropped in silence.
    expect(found.caveats.join(' ')).toContain('reconstruction_quality.mse');
    expect(found.provenance).toMatchObject({ started: '2025-02-19T21:20:00.000Z', wall_seconds: null });
  });

  it('of the time before the second variance holds the legacy one', async () => {
    const { metrics } = await one('core-old');
    expect(metrics['var_exp@saebench-legacy']).toMatchObject({ value: 0.72 });
    expect(metrics['var_exp@saebench-0.6']).toBeUndefined();
  });

  it('keeps what is missing missing: null, −1 and NaN', async () => {
    const found = await one('core-sparse');
    for (const id of [
      'kl_recovered@saebench-core',
      'kl_sae@saebench-core',
      'var_exp@saebench-0.6',
      'alive@v1',
    ] as const) {
      expect(measureOf(found, id)).toEqual({ value: null, reason: 'The file read holds no such value.' });
    }
    expect(found.metrics['var_exp@saebench-legacy']).toMatchObject({ value: 0.72 });
  });
});

describe('other files of SAEBench', () => {
  it('sparse_probing: accuracy over k with baseline and ceiling, no AUROC', async () => {
    const { accuracy, auroc } = curvesOf(await one('sparse_probing'), 'k-sparse');
    expect(accuracy!.points.map(({ at, values }) => [at, values.sae!.value, values.channels!.value])).toEqual(
      [
        [1, 0.75, 0.64],
        [2, 0.8, 0.7],
        [5, 0.86, 0.78],
      ],
    );
    expect(auroc!.points[0]?.values.sae?.value).toBeNull();
    expect(accuracy!.constants?.ceiling?.value).toBe(0.95);
  });

  it('keeps what each data set has, and what it has not', async () => {
    const probed = await one('sparse_probing');
    const { sets } = curvesOf(probed, 'k-sparse').accuracy!;
    expect(sets.map(({ name }) => name)).toEqual([
      'LabHC/bias_in_bios_class_set1',
      'LabHC/bias_in_bios_class_set2',
    ]);
    const [first] = sets;
    expect(first!.points.map(({ at, values }) => [at, values.sae!.value])).toEqual([
      [1, 0.745],
      [5, 0.86],
    ]);
    expect(first!.points[1]!.values.channels!.value).toBeNull();
    expect(first!.constants!.ceiling!.value).toBe(0.95);
    expect(probed.suites['k-sparse']!.tables!.data_sets![0]).toEqual({
      name: first!.name,
      note: 'as SAEBench has it',
      cells: { train_rows: null, test_rows: null, duplicates: null, classes: [] },
    });
    const { tpp } = curvesOf(await one('tpp'), 'tpp');
    expect(tpp!.sets.map(({ name, points }) => [name, points[0]?.values.tpp?.value])).toEqual([
      ['LabHC/bias_in_bios_class_set1', 0.03],
      ['canrager/amazon_reviews_mcauley_1and5', -0.01],
    ]);
    const { suites } = await one('scr');
    const { curves, tables } = suites.scr!;
    expect(
      tables!.pairs!.map(({ note, name, cells }, i) => [
        note,
        name,
        cells.kept,
        curves!.scr!.sets[i]!.points[0]?.values.scr?.value,
      ]),
    ).toEqual([
      ['LabHC/bias_in_bios_class_set1', 'professor_nurse', null, -1],
      ['LabHC/bias_in_bios_class_set1', 'architect_journalist', null, 0.125],
    ]);
  });

  it('sparse_probing_sae_probes has definitions of its own', async () => {
    const found = await one('sparse_probing_sae_probes');
    expect(Object.keys(found.suites)).toEqual(['sae-probes']);
    const { accuracy, auroc } = curvesOf(found, 'sae-probes');
    expect(accuracy!.points).toMatchObject([{ at: 1, values: { sae: { value: 0.71 } } }]);
    expect(auroc!.points).toMatchObject([{ at: 1, values: { sae: { value: 0.74 } } }]);
    expect(auroc!.constants!.ceiling!.value).toBe(0.97);
  });

  it('tpp and scr: the thresholds that have a value', async () => {
    const { tpp } = curvesOf(await one('tpp'), 'tpp');
    expect(tpp!.points.map(({ at }) => at)).toEqual([2, 5, 10, 20, 50, 100]);
    expect(tpp!.points[1]!.values).toMatchObject({
      tpp: { value: 0.02 },
      intended: { value: 0.03 },
      unintended: { value: 0.01 },
    });
    const { scr } = curvesOf(await one('scr'), 'scr');
    expect(scr!.points[0]).toMatchObject({ at: 2, values: { scr: { value: -0.05 } } });
    expect(scr!.points).toHaveLength(7);
  });

  it.each([
    [
      'absorption',
      {
        'absorption_fraction@saebench': 0.12,
        'absorption_full@saebench': 0.05,
        'split_latents@saebench': 1.35,
      },
    ],
    ['autointerp', { 'autointerp@saebench': 0.83 }],
    [
      'ravel',
      {
        'ravel_disentanglement@saebench': 0.65,
        'ravel_cause@saebench': 0.6,
        'ravel_isolation@saebench': 0.7,
      },
    ],
    ['unlearning', { 'unlearning@saebench': 0.14 }],
  ])('%s', async (name, expected) => {
    expect(valuesOf(await one(name))).toEqual(expected);
  });

  it('of one SAE become one record', async () => {
    const names = (await readdir(join(fixtures, 'saebench'))).filter((name) => !name.startsWith('core-'));
    const all = await Promise.all(names.map((name) => one(name.replace('.json', ''))));
    const whole = all.reduce((first, second) => merged(first, second, 'a file'));
    expect(record.safeParse(whole).success).toBe(true);
    expect(Object.keys(whole.suites)).toEqual(
      expect.arrayContaining(['core', 'k-sparse', 'tpp', 'scr', 'sae-probes']),
    );
    expect(measureOf(whole, 'unlearning@saebench')?.value).toBe(0.14);
    expect(whole.data?.tokens).toBe(4_096_000);
    expect(whole.provenance.source.split('; ')).toHaveLength(names.length);
  });
});
