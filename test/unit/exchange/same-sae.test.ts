import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { run } from '../../../runner/commands/import.ts';
import { MalformedError } from '../../../runner/errors.ts';
import { importFile } from '../../../runner/exchange/import-file.ts';
import { measureOf } from '../../../runner/report/measures.ts';
import { fixtures, folder, folderForEachTest, imported, records, written } from './import-files.ts';

folderForEachTest();

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
