import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { MalformedError, UserError } from '../../../../runner/errors.ts';
import { random } from '../../../../runner/math/random.ts';
import { residualLayer, saeLayer } from '../../../../runner/sae/published/hook-layer.ts';
import {
  entryName,
  findEntry,
  parseRegistry,
  searchRegistry,
} from '../../../../runner/sae/published/registry.ts';
import { mutated } from '../../formats/hostile.ts';

const text = readFileSync(
  fileURLToPath(new URL('../../../fixtures/sae-registry/excerpt.yaml', import.meta.url)),
  'utf8',
);
const registry = parseRegistry('excerpt', text);

describe('the registry', () => {
  it('gives repository, path, format and what stands beside them', () => {
    expect(findEntry(registry, 'gemma-scope-2b-pt-res/layer_12/width_16k/average_l0_82')).toEqual({
      release: 'gemma-scope-2b-pt-res',
      id: 'layer_12/width_16k/average_l0_82',
      model: 'gemma-2-2b',
      repo: 'google/gemma-scope-2b-pt-res',
      path: 'layer_12/width_16k/average_l0_82',
      loader: 'gemma_2',
      format: 'gemma-scope',
      layer: 12,
      width: '16k',
      l0: 82,
      varExp: null,
      normScale: null,
      overrides: {},
    });
    expect(findEntry(registry, 'gpt2-small-res-jb/blocks.8.hook_resid_pre')).toMatchObject({
      format: 'sae-lens',
      layer: 7,
      varExp: 0.96,
      // What is about the model is not a key of an SAE's config.
      overrides: { normalize_activations: 'constant_norm_rescale' },
    });
    expect(findEntry(registry, 'averaged/deep/blocks.2.hook_resid_post')).toMatchObject({
      normScale: 0.375,
      layer: 2,
    });
    expect(findEntry(registry, 'clt-as-per-layer/layer_0')).toMatchObject({ path: '0', format: null });
  });

  it('says which names there are when one is not there', () => {
    const find = (name: string) => () => findEntry(registry, name);
    expect(find('gemma-scope-2b-pt-res/layer_12/width_16k/average_l0_8')).toThrow(UserError);
    expect(find('gemma-scope-2b-pt-res/layer_12')).toThrow(
      /no "layer_12" in release.*embedding\/width_4k.*layer_13/,
    );
    expect(find('gemma-scope-9b/x')).toThrow(/no release.*"gemma-scope-2b-pt-res", "gemma-scope-2b-pt-mlp"/);
  });

  it('is searched by model, block and release', () => {
    const names = (filter: Parameters<typeof searchRegistry>[1]) =>
      searchRegistry(registry, filter).map(entryName);
    expect(names({ model: 'gemma-2-2b', layer: 12 })).toEqual([
      'gemma-scope-2b-pt-res/layer_12/width_16k/average_l0_82',
      'saelens:gemma-2-2b-temporal/blocks.12.hook_resid_post',
    ]);
    expect(names({ model: 'google/gemma-2-2b', release: 'mlp' })).toEqual([
      'gemma-scope-2b-pt-mlp/layer_12/width_16k/average_l0_60',
    ]);
    expect(names({ model: 'Qwen3-1.7B-Base', layer: 0 })).toEqual([
      'saelens:qwen-scope-3-1.7b-base-w32k-l50/layer0',
    ]);
    expect(names({ model: 'gemma-2' })).toEqual([]);
  });

  it.each([
    ['no YAML', 'a: [', /quote|flow|expected/i],
    ['a list', '- a\n- b', /./],
    ['a release without SAEs', 'a:\n  model: m\n  repo_id: r', /a\.saes/],
    [
      'a path that is neither text nor number',
      'a:\n  model: m\n  repo_id: r\n  saes:\n  - {id: x, path: [1]}',
      /a\.saes\.0\.path/,
    ],
    [
      'a norm that is none',
      'a:\n  model: m\n  repo_id: r\n  saes:\n  - {id: x, path: p, norm_scaling_factor: -1}',
      /norm_scaling/,
    ],
    ['aliases', 'x: &x {model: m, repo_id: r, saes: []}\ny: *x', /alias/i],
    ['brackets without end', '['.repeat(100_000), /deep nesting/],
    [
      'indents without end',
      Array.from({ length: 2_000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
      /deep nesting/,
    ],
    ['a tag that names a class', 'a: !!python/object/apply:os.system ["true"]', /./],
  ])('refuses %s in one line', (_, bad, found) => {
    const parse = () => parseRegistry('the file', bad);
    expect(parse).toThrow(MalformedError);
    expect(parse).toThrow(found);
    expect(parse).not.toThrow(/\n/);
  });

  it('gives an error of ours or a registry, whatever is done to the file', () => {
    let refused = 0;
    for (let seed = 0; seed < 1_000; seed++) {
      const bytes = mutated(Buffer.from(text), random('registry', seed));
      try {
        parseRegistry('the file', new TextDecoder().decode(bytes));
      } catch (error) {
        if (!(error instanceof MalformedError)) throw new Error(`seed ${seed}`, { cause: error });
        expect(error.message).not.toMatch(/\n/);
        refused++;
      }
    }
    console.info(`registry: 1000 files, ${refused} refused`);
    expect(refused).toBeGreaterThan(100);
  });

  it('does not take names of the prototype for loaders or keys', () => {
    const [entry] = parseRegistry(
      'the file',
      'constructor:\n  conversion_func: toString\n  model: m\n  repo_id: r\n  saes:\n  - {id: __proto__, path: p}',
    );
    expect(entry).toMatchObject({ release: 'constructor', id: '__proto__', format: null });
  });
});

describe('hooks', () => {
  it.each([
    ['blocks.12.hook_resid_post', 12],
    ['blocks.12.hook_resid_pre', 11],
    ['blocks.0.hook_resid_pre', null],
    ['model.layers.17.output', 17],
    ['model.layers.17', 17],
    ['model.language_model.layers.31', 31],
    ['layers.5', 5],
    ['layers.5.mlp', null],
    ['transformer.h.3', 3],
    ['gpt_neox.layers.3', 3],
    ['blocks.12.hook_mlp_out', null],
    ['blocks.12.attn.hook_z', null],
    ['blocks.12.hook_resid_mid', null],
    ['model.layers.17.post_feedforward_layernorm.output', null],
    ['embed_tokens', null],
    ['hook_embed', null],
  ])('%s is the residual stream after block %s', (hook, layer) => {
    expect(residualLayer(hook)).toBe(layer);
  });

  it('the user’s word comes first, then the files’, then the path’s', () => {
    const layer = (asked: number | undefined, hook_name: string | null, fromPath: number | null) =>
      saeLayer('an SAE', { hook_name }, { asked, fromPath });
    expect(layer(3, 'blocks.5.hook_mlp_out', 7)).toBe(3);
    expect(layer(undefined, 'blocks.5.hook_resid_post', 7)).toBe(5);
    expect(layer(undefined, null, 7)).toBe(7);
    expect(() => layer(undefined, 'blocks.5.hook_mlp_out', 7)).toThrow(/the hook "blocks.5.hook_mlp_out"/);
    expect(() => layer(undefined, null, null)).toThrow(/#layer=N/);
  });
});
