import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run } from '../../../runner/commands/import.ts';
import { MalformedError, UserError } from '../../../runner/errors.ts';
import { importFile } from '../../../runner/exchange/import-file.ts';
import { idOf, merged } from '../../../runner/exchange/imported.ts';
import { parsePythonJson } from '../../../runner/exchange/result-file.ts';
import { layerExport, validationExport } from '../../../runner/report/exports.ts';
import { record } from '../../../runner/report/schema.ts';
import { fixture } from '../site/fixtures.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/exchange/', import.meta.url));
const saebench = (name: string) => importFile(join(fixtures, 'saebench', `${name}.json`), {});

async function one(name: string) {
  const [found] = await saebench(name);
  if (!found) throw new Error(`no record of ${name}`);
  expect(record.safeParse(found).error?.issues ?? []).toEqual([]);
  expect(found.kind).toBe('imported');
  return found;
}

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-import-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function written(name: string, value: unknown): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, typeof value === 'string' ? value : JSON.stringify(value));
  return path;
}

describe('a core file of SAEBench', () => {
  it('maps every value to the definition it was computed by', async () => {
    const found = await one('core');
    expect(Object.fromEntries(Object.entries(found.metrics).map(([id, { value }]) => [id, value]))).toEqual({
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
    const { metrics } = await one('core-sparse');
    for (const id of [
      'kl_recovered@saebench-core',
      'kl_sae@saebench-core',
      'var_exp@saebench-0.6',
      'alive@v1',
    ] as const) {
      expect(metrics[id]).toEqual({ value: null, reason: 'The file read holds no such value.' });
    }
    expect(metrics['var_exp@saebench-legacy']).toMatchObject({ value: 0.72 });
  });
});

describe('other files of SAEBench', () => {
  it('sparse_probing: accuracy over k with baseline and ceiling, no AUROC', async () => {
    const { k_sparse } = await one('sparse_probing');
    expect(
      k_sparse?.points.map(({ k, accuracy, baseline_accuracy }) => [
        k,
        accuracy.value,
        baseline_accuracy.value,
      ]),
    ).toEqual([
      [1, 0.75, 0.64],
      [2, 0.8, 0.7],
      [5, 0.86, 0.78],
    ]);
    expect(k_sparse?.points[0]?.auroc.value).toBeNull();
    expect(k_sparse?.ceiling.accuracy.value).toBe(0.95);
    expect(k_sparse?.definitions.accuracy).toBe('probe_acc_k@saebench');
  });

  it('keeps what each data set has, and what it has not', async () => {
    const { k_sparse } = await one('sparse_probing');
    expect(k_sparse?.data_sets.map(({ name }) => name)).toEqual([
      'LabHC/bias_in_bios_class_set1',
      'LabHC/bias_in_bios_class_set2',
    ]);
    const [first] = k_sparse!.data_sets;
    expect(first!.points.map(({ k, accuracy }) => [k, accuracy.value])).toEqual([
      [1, 0.745],
      [5, 0.86],
    ]);
    expect(first!.points[1]!.baseline_accuracy.value).toBeNull();
    expect(first!.ceiling.accuracy.value).toBe(0.95);
    expect(first).toMatchObject({ train_rows: null, test_rows: null, duplicates: null, classes: [] });
    const { tpp_saebench } = await one('tpp');
    expect(tpp_saebench?.data_sets.map(({ name, points }) => [name, points[0]?.value.value])).toEqual([
      ['LabHC/bias_in_bios_class_set1', 0.03],
      ['canrager/amazon_reviews_mcauley_1and5', -0.01],
    ]);
    const { scr_saebench } = await one('scr');
    expect(
      scr_saebench?.pairs.map(({ data, name, kept, points }) => [data, name, kept, points[0]?.value.value]),
    ).toEqual([
      ['LabHC/bias_in_bios_class_set1', 'professor_nurse', null, -1],
      ['LabHC/bias_in_bios_class_set1', 'architect_journalist', null, 0.125],
    ]);
  });

  it('sparse_probing_sae_probes has definitions of its own', async () => {
    const { k_sparse } = await one('sparse_probing_sae_probes');
    expect(k_sparse?.definitions).toEqual({
      accuracy: 'probe_acc_k@sae-probes',
      auroc: 'probe_auc_k@sae-probes',
    });
    expect(k_sparse?.points).toMatchObject([{ k: 1, accuracy: { value: 0.71 }, auroc: { value: 0.74 } }]);
    expect(k_sparse?.ceiling.auroc.value).toBe(0.97);
  });

  it('tpp and scr: the thresholds that have a value', async () => {
    const { tpp_saebench } = await one('tpp');
    expect(tpp_saebench?.points.map(({ n }) => n)).toEqual([2, 5, 10, 20, 50, 100]);
    expect(tpp_saebench?.points[1]).toMatchObject({
      value: { value: 0.02 },
      intended: { value: 0.03 },
      unintended: { value: 0.01 },
    });
    const { scr_saebench } = await one('scr');
    expect(scr_saebench?.points.map(({ n, value }) => [n, value.value])[0]).toEqual([2, -0.05]);
    expect(scr_saebench?.points).toHaveLength(7);
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
    const { metrics } = await one(name);
    expect(Object.fromEntries(Object.entries(metrics).map(([id, { value }]) => [id, value]))).toEqual(
      expected,
    );
  });

  it('of one SAE become one record', async () => {
    const names = (await readdir(join(fixtures, 'saebench'))).filter((name) => !name.startsWith('core-'));
    const all = await Promise.all(names.map((name) => one(name.replace('.json', ''))));
    const whole = all.reduce(merged);
    expect(record.safeParse(whole).success).toBe(true);
    expect(whole.tpp_saebench).toBeDefined();
    expect(whole.scr_saebench).toBeDefined();
    expect(whole.metrics['unlearning@saebench']?.value).toBe(0.14);
    expect(whole.data?.tokens).toBe(4_096_000);
    expect(whole.provenance.source.split('; ')).toHaveLength(names.length);
  });
});

describe('files of the reference evaluation', () => {
  it('of a layer give the composite again, as our own export of it shows', async () => {
    const ours = fixture('small-world-l2');
    const [found] = await importFile(await written('interpscore_L2.json', layerExport(ours)), {});
    expect(found?.interpscore?.score.value).toBe(ours.interpscore?.score.value);
    expect(found?.interpscore?.components.tpp.value).toBe(ours.interpscore?.components.tpp.value);
    expect(found?.metrics['loss_zero@v1']).toMatchObject({ value: 7.8121, interval: null });
    expect(found?.probes.map(({ task }) => task)).toEqual(ours.probes.map(({ task }) => task));
    expect(found?.sae).toMatchObject({ layer: 2, d_sae: 1024, k: 32 });
  });

  it('combined: one record a layer; a missing component stays missing', async () => {
    const layers = [0, 4].map((layer) => layerExport(fixture(`small-world-l${layer}`)));
    (layers[1]!.components as Record<string, unknown>).tpp = null;
    const path = await written('interpscore_papergrade.json', {
      model: 'm/n',
      sae_repo: 'a/b',
      per_layer: { 0: layers[0], 4: layers[1] },
    });
    const found = await importFile(path, {});
    expect(found.map(({ id }) => id)).toEqual(['b-l0', 'b-l4']);
    expect(found[1]?.interpscore?.components.tpp.value).toBeNull();
  });

  it('val_report.json needs to be told the model and the latents', async () => {
    const report = validationExport([{ id: 'L2', record: fixture('small-world-l2') }]);
    const path = await written('val_report.json', report);
    await expect(importFile(path, {})).rejects.toThrow(UserError);
    const [found] = await importFile(path, { model: 'm/n', latents: 1024, name: 'release' });
    const alive = fixture('small-world-l2').metrics['alive@v1']?.value ?? 0;
    expect(found?.metrics['alive@v1']?.value).toBeCloseTo(alive, 3);
    expect(found?.metrics['dead_fraction@v1']?.value).toBeCloseTo(1 - alive, 6);
    expect(found?.id).toBe('release-l2');
  });
});

describe('eval_results.json of dictionary_learning', () => {
  it('has definitions of its own where it centres the error or averages over batches', async () => {
    const [found] = await importFile(join(fixtures, 'dictionary-learning', 'eval_results.json'), {});
    expect(found?.sae).toMatchObject({ architecture: 'topk', d_sae: 64, k: 4, layer: 3 });
    expect(found?.model.id).toBe('EleutherAI/pythia-70m-deduped');
    expect(found?.metrics['var_exp@dictionary-learning']?.value).toBeCloseTo(0.31074, 5);
    expect(found?.metrics['l0@v1']?.value).toBe(4);
    expect(found?.metrics['loss_recovered@dictionary-learning']?.value).toBeNull();
  });
});

describe('hostile and foreign files', () => {
  it.each([
    ['not JSON', '{"a": ', MalformedError],
    ['another kind', '{"a": 1}', MalformedError],
    [
      'an unknown evaluation',
      '{"eval_type_id": "mdl", "eval_config": {}, "eval_result_metrics": {}}',
      MalformedError,
    ],
    [
      'a value no definition allows',
      JSON.stringify({
        eval_type_id: 'core',
        eval_config: { model_name: 'm' },
        sae_lens_id: 'x',
        sae_cfg_dict: { architecture: 'topk', d_sae: 8, hook_layer: 1 },
        eval_result_metrics: { reconstruction_quality: { cossim: 7 } },
      }),
      MalformedError,
    ],
    [
      'a string where a number belongs',
      JSON.stringify({
        eval_type_id: 'core',
        eval_config: {},
        eval_result_metrics: { sparsity: { l0: [1] } },
      }),
      MalformedError,
    ],
    ['no SAE facts', '{"eval_type_id": "core", "eval_config": {}, "eval_result_metrics": {}}', UserError],
  ])('%s', async (_name, text, kind) => {
    await expect(importFile(await written('file.json', text), {})).rejects.toThrow(kind);
  });

  it('reads NaN outside strings only', () => {
    expect(parsePythonJson('{"a": NaN, "b": "NaN", "c": [-Infinity, 1]}', 'x')).toEqual({
      a: null,
      b: 'NaN',
      c: [null, 1],
    });
  });

  it('makes an id of any name', () => {
    for (const name of ['../../etc/passwd', '…', 'A/B C..D', 'x'.repeat(500)]) {
      expect(record.shape.id.safeParse(idOf(name)).success).toBe(true);
      expect(idOf(name)).not.toContain('/');
    }
  });
});

describe('the verb', () => {
  it('writes one record, and adds to it what is imported later', async () => {
    const file = (name: string): string => join(fixtures, 'saebench', `${name}.json`);
    expect(await run([file('core'), file('tpp'), '--content', folder])).toBe(0);
    expect(await run([file('autointerp'), '--content', folder])).toBe(0);
    const [name, ...rest] = await readdir(join(folder, 'imported'));
    expect(rest).toEqual([]);
    const found = record.parse(JSON.parse(await readFile(join(folder, 'imported', name!), 'utf8')));
    expect(found.metrics['autointerp@saebench']?.value).toBe(0.83);
    expect(found.metrics['l0@v1']?.value).toBe(19.75);
    expect(found.tpp_saebench?.points).toHaveLength(6);
  });

  it('writes nothing when one of the files is bad', async () => {
    const bad = await written('bad.json', '{}');
    await expect(run([join(fixtures, 'saebench/core.json'), bad, '--content', folder])).rejects.toThrow(
      MalformedError,
    );
    expect(await readdir(folder)).toEqual(['bad.json']);
  });
});
