import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MalformedError, UserError } from '../../../runner/errors.ts';
import { importFile } from '../../../runner/exchange/import-file.ts';
import { idOf } from '../../../runner/exchange/imported.ts';
import { parsePythonJson } from '../../../runner/exchange/result-file.ts';
import { layerExport, validationExport } from '../../../runner/report/exports.ts';
import { interpScoreOf } from '../../../runner/report/measures.ts';
import { type EvaluationRecord, recordObject } from '../../../runner/report/schema.ts';
import { fixture } from '../site/fixtures.ts';
import { fixtures, folderForEachTest, written } from './import-files.ts';

folderForEachTest();

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
