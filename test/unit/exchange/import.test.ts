import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { run } from '../../../runner/commands/import.ts';
import { MalformedError, UserError } from '../../../runner/errors.ts';
import { importFile } from '../../../runner/exchange/import-file.ts';
import { idOf } from '../../../runner/exchange/imported.ts';
import { merged } from '../../../runner/exchange/merge.ts';
import { parsePythonJson } from '../../../runner/exchange/result-file.ts';
import { layerExport, validationExport } from '../../../runner/report/exports.ts';
import { interpScoreOf, measureOf } from '../../../runner/report/measures.ts';
import { type EvaluationRecord, record, recordObject } from '../../../runner/report/schema.ts';
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

/** Of all single numbers, wherever the record holds them. */
function valuesOf({ metrics, suites }: EvaluationRecord): Record<string, number | null> {
  const all = [metrics, ...Object.values(suites).map(({ measures }) => measures ?? {})];
  return Object.fromEntries(
    all.flatMap((table) => Object.entries(table).map(([id, { value }]) => [id, value])),
  );
}

function curvesOf({ suites }: EvaluationRecord, suite: string) {
  return suites[suite]!.curves!;
}

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

describe('files of the reference evaluation', () => {
  it('of a layer give the composite again, as our own export of it shows', async () => {
    const ours = fixture('small-world-l2');
    const [found] = await importFile(await written('interpscore_L2.json', layerExport(ours)), {});
    const [theirs, own] = [found!, ours].map((each) => interpScoreOf(each)!);
    expect(theirs!.score.value).toBe(own!.score.value);
    expect(theirs!.components.tpp.value).toBe(own!.components.tpp.value);
    expect(found?.metrics['loss_zero@v1']).toMatchObject({ value: 7.8121, interval: null });
    const tasks = ({ suites }: EvaluationRecord) =>
      suites.interpscore!.tables!.probes!.map(({ name }) => name);
    expect(tasks(found!)).toEqual(tasks(ours));
    expect(found?.sae).toMatchObject({ layer: 2, d_sae: 1024, k: 32 });
  });

  it('combined: one record a layer; a missing component stays missing', async () => {
    const layers = [0, 4].map((layer) => layerExport(fixture(`small-world-l${layer}`)));
    (layers[1]!.components as Record<string, unknown>).tpp = null;
    const path = await written('interpscore_papergrade.json', {
      model: 'small-world',
      sae_repo: 'a/b',
      per_layer: { 0: layers[0], 4: layers[1] },
    });
    const found = await importFile(path, {});
    expect(found.map(({ id }) => id)).toEqual(['b-l0', 'b-l4']);
    expect(interpScoreOf(found[1]!)!.components.tpp.value).toBeNull();
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
      expect(recordObject.shape.id.safeParse(idOf(name)).success).toBe(true);
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
    expect(measureOf(found, 'autointerp@saebench')?.value).toBe(0.83);
    expect(found.metrics['l0@v1']?.value).toBe(19.75);
    expect(curvesOf(found, 'tpp').tpp!.points).toHaveLength(6);
  });

  it('loses nothing of imports at the same time, and names an earlier record that is cut off', async () => {
    const file = (name: string): string => join(fixtures, 'saebench', `${name}.json`);
    const names = ['core', 'tpp', 'autointerp'];
    await Promise.all(names.map((each) => run([file(each), '--content', folder])));
    const [name, ...rest] = await readdir(join(folder, 'imported'));
    expect(rest).toEqual([]);
    const path = join(folder, 'imported', name!);
    const text = await readFile(path, 'utf8');
    const found = record.parse(JSON.parse(text));
    expect(measureOf(found, 'autointerp@saebench')?.value).toBe(0.83);
    expect(found.metrics['l0@v1']?.value).toBe(19.75);
    expect(curvesOf(found, 'tpp').tpp!.points).toHaveLength(6);

    await writeFile(path, text.slice(0, 1_000));
    await expect(run([file('core'), '--content', folder])).rejects.toThrow(MalformedError);
    expect(await readFile(path, 'utf8')).toBe(text.slice(0, 1_000));
    expect(await readdir(join(folder, 'imported'))).toEqual([name]);
  });

  it('imports what it understands, lists the rest, and says so by its exit code', async () => {
    const bad = await written('bad.json', '{}');
    const open = await written('open.json', {
      eval_type_id: 'core',
      eval_config: {},
      eval_result_metrics: {},
    });
    const { code, errors } = await imported([bad, join(fixtures, 'saebench/core.json'), open]);
    expect(code).toBe(3);
    expect(errors).toEqual([
      expect.stringContaining('bad.json: found JSON of another kind'),
      expect.stringMatching(/open.json: found nothing about its SAE’s/),
      '2 of 3 files were not imported',
    ]);
    expect(await records()).toHaveLength(1);
    await expect(run([bad, '--content', folder])).rejects.toThrow(MalformedError);
  });

  it('ends in one line, with nothing written, where an earlier record is broken', async () => {
    await mkdir(join(folder, 'imported'));
    await writeFile(join(folder, 'imported', 'half.json'), '{"schema": "interp');
    await expect(run([join(fixtures, 'saebench/core.json'), '--content', folder])).rejects.toThrow(
      /half.json: found/,
    );
    expect(await readdir(join(folder, 'imported'))).toEqual(['half.json']);
  });
});

async function imported(args: readonly string[]): Promise<{ code: number; errors: string[] }> {
  const said = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  try {
    const code = await run([...args, '--content', folder]);
    return { code, errors: said.mock.calls.map(([line]) => String(line)) };
  } finally {
    said.mockRestore();
  }
}

async function records() {
  const names = (await readdir(join(folder, 'imported'))).sort();
  return Promise.all(
    names.map(async (name) =>
      record.parse(JSON.parse(await readFile(join(folder, 'imported', name), 'utf8'))),
    ),
  );
}

describe('which SAE a file is of', () => {
  /** A file of SAEBench with some of its fields changed. */
  async function changed(
    name: string,
    change: { envelope?: object; sae?: object; config?: object },
    as = `${name}-${Math.random()}.json`,
  ): Promise<string> {
    const file = JSON.parse(await readFile(join(fixtures, 'saebench', `${name}.json`), 'utf8'));
    return written(as, {
      ...file,
      ...change.envelope,
      sae_cfg_dict: { ...file.sae_cfg_dict, ...change.sae },
      eval_config: { ...file.eval_config, ...change.config },
    });
  }

  it.each([
    ['another model', { sae: { model_name: 'other' }, config: { model_name: 'other' } }, 'other'],
    ['another layer', { sae: { hook_layer: 3, hook_name: 'blocks.3.hook_resid_post' } }, 'layer-3'],
    ['another site', { sae: { hook_name: 'blocks.12.hook_mlp_out' } }, 'mlp-out'],
    ['another width', { sae: { d_sae: 8192 } }, 'd-sae-8192'],
    ['another k', { sae: { k: 40 } }, 'k-40'],
    ['another architecture', { sae: { architecture: 'batch_topk' } }, 'batchtopk'],
    ['another amount of training', { sae: { training_tokens: 5000 } }, 'tokens-trained-5000'],
  ])('of one name, %s is another SAE', async (_what, change, word) => {
    const custom = { sae_lens_release_id: 'mine', sae_lens_id: 'custom_sae' };
    const base = { sae: { training_tokens: 1000 } };
    const first = await changed('core', { envelope: custom, ...base });
    const second = await changed('core', {
      ...base,
      ...change,
      envelope: custom,
      sae: { ...base.sae, ...change.sae },
    });
    const { code } = await imported([first, second]);
    expect(code).toBe(0);
    const found = await records();
    expect(found).toHaveLength(2);
    expect(found.some(({ id }) => id.includes(word))).toBe(true);
    // In the other order, and again: the same records.
    const ids = found.map(({ id }) => id);
    expect((await imported([second])).code + (await imported([first])).code).toBe(0);
    expect((await records()).map(({ id }) => id)).toEqual(ids);
    await rm(join(folder, 'imported'), { recursive: true });
    await imported([second, first]);
    expect((await records()).map(({ id }) => id)).toEqual(ids);
  });

  it('a release and id name one SAE: what contradicts it is refused with both values', async () => {
    const { code, errors } = await imported([
      join(fixtures, 'saebench/core.json'),
      await changed('tpp', { sae: { d_sae: 8192 } }, 'wide.json'),
    ]);
    expect(code).toBe(2);
    expect(errors[0]).toMatch(/wide.json, d_sae: found 8192; expected 4096, as SAEBench core/);
    expect((await records())[0]?.suites.tpp).toBeUndefined();
  });

  it('two values of one measure are refused, and taken with --replace', async () => {
    const file = JSON.parse(await readFile(join(fixtures, 'saebench/core.json'), 'utf8'));
    file.eval_result_metrics.sparsity.l0 = 31;
    const other = await written('again.json', file);
    expect((await imported([join(fixtures, 'saebench/core.json')])).code).toBe(0);
    await expect(run([other, '--content', folder])).rejects.toThrow(/l0@v1: found 31; expected 19.75/);
    expect((await records())[0]?.metrics['l0@v1']?.value).toBe(19.75);
    expect((await imported([other, '--replace'])).code).toBe(0);
    expect((await records())[0]?.metrics['l0@v1']?.value).toBe(31);
  });

  it('what a second file is silent about stays as the first one has it', async () => {
    const { code } = await imported([
      join(fixtures, 'saebench/core.json'),
      join(fixtures, 'saebench/core-sparse.json'),
    ]);
    expect(code).toBe(0);
    const [found] = await records();
    expect(measureOf(found!, 'kl_sae@saebench-core')?.value).toBe(0.2);
    expect(found?.metrics['alive@v1']?.value).toBe(0.875);
  });

  it('a file that says less finds the SAE that says more, in any order', async () => {
    const silent = await changed('autointerp', { sae: { k: null } });
    expect((await imported([silent, join(fixtures, 'saebench/core.json')])).code).toBe(0);
    const found = await records();
    expect(found).toHaveLength(1);
    expect(found[0]?.sae.k).toBe(20);
    expect(measureOf(found[0]!, 'autointerp@saebench')?.value).toBe(0.83);
  });

  it('what may be either of two is refused, and settled by what tells them apart', async () => {
    const custom = { sae_lens_release_id: 'mine', sae_lens_id: 'custom_sae' };
    const [narrow, wide] = [
      await changed('core', { envelope: custom }),
      await changed('core', { envelope: custom, sae: { k: 40 } }),
    ];
    const open = await changed('autointerp', { envelope: custom, sae: { k: null } }, 'open.json');
    const { code, errors } = await imported([narrow, wide, open]);
    expect([code, errors[0]]).toEqual([2, expect.stringContaining('may be any of')]);
    expect((await imported([open, '--k', '40'])).code).toBe(0);
    const found = await records();
    expect(found.map((each) => [each.sae.k, measureOf(each, 'autointerp@saebench')?.value])).toEqual(
      expect.arrayContaining([
        [20, undefined],
        [40, 0.83],
      ]),
    );
  });

  it.each([
    ['hook_layer and the hook', { sae: { hook_layer: 11 } }, /hook_layer "11" and the hook "12"/],
    ['two models', { sae: { model_name: 'other' } }, /model_name "tiny-model" and .* "other"/],
    ['two k', { sae: { activation_fn_str: 'topk', activation_fn_kwargs: { k: 21 } } }, /k "20" and .* "21"/],
  ])('a file that contradicts itself is refused: %s', async (_what, change, message) => {
    await expect(importFile(await changed('core', change), {})).rejects.toThrow(message);
  });

  it('an option that contradicts the file is refused', async () => {
    const path = join(fixtures, 'saebench/core.json');
    for (const known of [
      { layer: 3 },
      { model: 'other' },
      { latents: 8 },
      { architecture: 'relu' },
      { k: 3 },
    ] as const)
      await expect(importFile(path, known)).rejects.toThrow(/expected the same/);
    await expect(importFile(path, { model: 'owner/tiny-model', layer: 12 })).resolves.toHaveLength(1);
  });

  it('SAEs of a base model may be evaluated on its instruction-tuned form, and the record says so', async () => {
    const path = await changed('unlearning', { config: { model_name: 'tiny-model-it' } });
    const [found] = await importFile(path, {});
    expect(found?.model.id).toBe('tiny-model');
    expect(found?.caveats).toContain('unlearning was evaluated on tiny-model-it.');
  });

  it('TopK as it was written before it had a name', async () => {
    const path = await changed('core', {
      sae: {
        architecture: 'standard',
        activation_fn_str: 'topk',
        activation_fn_kwargs: { k: 32 },
        k: undefined,
      },
    });
    expect((await importFile(path, {}))[0]?.sae).toMatchObject({ architecture: 'topk', k: 32 });
    const relu = await changed('core', {
      sae: { architecture: 'standard', activation_fn_str: 'relu', activation_fn_kwargs: {}, k: undefined },
    });
    expect((await importFile(relu, {}))[0]?.sae).toMatchObject({ architecture: 'relu', k: null });
  });

  it('the trainers of a sweep are SAEs of their own', async () => {
    const [results, config] = await Promise.all(
      ['eval_results.json', 'config.json'].map(async (name) =>
        JSON.parse(await readFile(join(fixtures, 'dictionary-learning', name), 'utf8')),
      ),
    );
    const sweep = join(folder, 'resid_post_layer_3');
    for (const [trainer, change] of [{}, { k: 8 }, { seed: 1 }].entries()) {
      const at = join(sweep, `trainer_${trainer}`);
      await mkdir(at, { recursive: true });
      await writeFile(join(at, 'eval_results.json'), JSON.stringify({ ...results, l0: 4 + trainer }));
      await writeFile(
        join(at, 'config.json'),
        JSON.stringify({ ...config, trainer: { ...config.trainer, steps: 1000, ...change } }),
      );
    }
    const paths = [0, 1, 2].map((trainer) => join(sweep, `trainer_${trainer}`, 'eval_results.json'));
    expect((await imported(paths)).code).toBe(0);
    const found = await records();
    expect(found.map(({ metrics }) => metrics['l0@v1']?.value).sort()).toEqual([4, 5, 6]);
    expect(found[0]?.sae.origin).toMatchObject({
      release: 'resid_post_layer_3',
      member: 'trainer_0',
      step: 1000,
    });
    expect(JSON.stringify(found)).not.toContain(folder);
    // Of another sweep with the same folders' names, by its settings.
    const elsewhere = join(folder, 'elsewhere', 'resid_post_layer_3', 'trainer_0');
    await mkdir(elsewhere, { recursive: true });
    await writeFile(join(elsewhere, 'eval_results.json'), JSON.stringify({ ...results, l0: 9 }));
    await writeFile(
      join(elsewhere, 'config.json'),
      JSON.stringify({ ...config, trainer: { ...config.trainer, steps: 1000, lr: 1 } }),
    );
    expect((await imported([join(elsewhere, 'eval_results.json')])).code).toBe(0);
    expect(await records()).toHaveLength(4);
    await writeFile(join(elsewhere, 'config.json'), '{');
    await expect(importFile(join(elsewhere, 'eval_results.json'), {})).rejects.toThrow(MalformedError);
  });

  it.each([
    ['tpp', 'tpp_metrics', 'uncategorized'],
    ['scr', 'scr_metrics', 'shift_metrics'],
    ['ravel', 'ravel', 'uncategorized'],
  ] as const)('%s with its category %s called %s', async (name, category, older) => {
    const file = JSON.parse(await readFile(join(fixtures, 'saebench', `${name}.json`), 'utf8'));
    const path = await written(`${name}.json`, {
      ...file,
      eval_type_id: name.toUpperCase(),
      eval_result_metrics: { [older]: { ...file.eval_result_metrics[category], another_metric: 1 } },
    });
    const [found] = await importFile(path, {});
    const [now] = await importFile(join(fixtures, 'saebench', `${name}.json`), {});
    expect(Object.keys(found!.suites)).toEqual([name]);
    expect(found!.suites).toEqual(now!.suites);
    expect(found?.caveats.join(' ')).toContain(`${older}.another_metric`);
  });

  it('a TPP file without a value of it, and two values of one name, are refused', async () => {
    const file = JSON.parse(await readFile(join(fixtures, 'saebench/tpp.json'), 'utf8'));
    const other = await written('other.json', { ...file, eval_result_metrics: { uncategorized: { x: 1 } } });
    await expect(importFile(other, {})).rejects.toThrow('no value of TPP or SCR among 1');
    const twice = { ...file.eval_result_metrics, uncategorized: { tpp_threshold_2_total_metric: 0.5 } };
    const two = await written('two.json', { ...file, eval_result_metrics: twice });
    await expect(importFile(two, {})).rejects.toThrow('0.5, and 0.01 in another category');
  });

  it('probing by another rule stands beside SAEBench’s', async () => {
    const files = ['sparse_probing', 'sparse_probing_sae_probes'].map((name) =>
      join(fixtures, `saebench/${name}.json`),
    );
    expect((await imported(files)).code).toBe(0);
    const [found, ...others] = await records();
    expect(others).toEqual([]);
    expect(Object.keys(found!.suites).sort()).toEqual(['k-sparse', 'sae-probes']);
  });

  it('alive latents by number or by share, as the dead ones say', async () => {
    const known = { model: 'm', latents: 4, name: 'n' };
    const read = async (alive: number, dead_pct: number) => {
      const path = await written('val_report.json', { 2: { var_expl: 0.5, l0: 3, alive, dead_pct } });
      return (await importFile(path, known))[0]?.metrics['alive@v1']?.value;
    };
    expect([await read(1, 75), await read(1, 0), await read(3, 25), await read(0.75, 25)]).toEqual([
      0.25, 1, 0.75, 0.75,
    ]);
    await expect(read(0.5, 25)).rejects.toThrow(/alive "0.5" and dead_pct "25"/);
  });
});
