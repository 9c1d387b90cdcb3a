import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { MalformedError, UserError } from '../../../../runner/errors.ts';
import {
  type HookLike,
  hookLabel,
  hookName,
  hookOf,
  parseHook,
  placeOfLabelled,
  sites,
} from '../../../../runner/hook.ts';
import { random } from '../../../../runner/math/random.ts';
import { hookPath, namedHook, saeHook, siteInWords } from '../../../../runner/sae/published/hook-names.ts';
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
      hook: { layer: 12, site: 'resid_post' },
      width: '16k',
      l0: 82,
      varExp: null,
      normScale: null,
      overrides: {},
    });
    expect(findEntry(registry, 'gpt2-small-res-jb/blocks.8.hook_resid_pre')).toMatchObject({
      format: 'sae-lens',
      hook: { layer: 7, site: 'resid_post' },
      varExp: 0.96,
      // What is about the model is not a key of an SAE's config.
      overrides: { normalize_activations: 'constant_norm_rescale' },
    });
    expect(findEntry(registry, 'averaged/deep/blocks.2.hook_resid_post')).toMatchObject({
      normScale: 0.375,
      hook: { layer: 2, site: 'resid_post' },
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
      'gemma-scope-2b-pt-mlp/layer_12/width_16k/average_l0_60',
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
    ['blocks.12.hook_resid_post', 'resid_post:12'],
    ['blocks.12.hook_resid_pre', 'resid_post:11'],
    ['blocks.0.hook_resid_pre', 'resid_pre:0'],
    ['model.layers.17.output', 'resid_post:17'],
    ['model.layers.17', 'resid_post:17'],
    ['model.language_model.layers.31', 'resid_post:31'],
    ['layers.5', 'resid_post:5'],
    ['layers.5.mlp', 'mlp_out:5 of the module'],
    ['transformer.h.3', 'resid_post:3'],
    ['transformer.h.3.attn', 'attn_out:3 of the module'],
    ['gpt_neox.layers.3', 'resid_post:3'],
    ['blocks.12.hook_mlp_out', 'mlp_out:12'],
    ['blocks.12.hook_attn_out', 'attn_out:12'],
    ['blocks.12.attn.hook_z', 'attn_z:12'],
    ['blocks.12.hook_z', 'attn_z:12'],
    ['blocks.12.mlp.hook_in', 'mlp_in:12'],
    ['blocks.12.hook_resid_mid', 'resid_mid:12'],
    ['model.layers.17.self_attn.o_proj.input', 'attn_z:17'],
    ['model.layers.17.pre_feedforward_layernorm.output', 'mlp_in:17'],
    ['model.layers.17.post_feedforward_layernorm.output', 'mlp_out:17'],
    ['model.layers.17.post_attention_layernorm.output', null],
    ['blocks.12.ln2.hook_normalized', null],
    ['embed_tokens', null],
    ['hook_embed', null],
  ])('%s is %s', (name, expected) => {
    const found = namedHook(name);
    expect(found && `${hookName(found)}${found.ofModule ? ' of the module' : ''}`).toBe(expected);
  });

  it('has one name to write for each place, which it reads again', () => {
    for (const site of sites) {
      const hook = hookOf({ layer: 0, site });
      expect(namedHook(hookPath(hook))).toEqual({ ...hook, ofModule: false });
      expect(parseHook(hookName(hook))).toEqual(hook);
      for (const rest of ['', '_k64', '_topk_k64_lr0.1'])
        expect(placeOfLabelled(`${hookLabel(hook)}${rest}`)).toEqual(hook);
    }
    for (const text of ['mlp:4', 'mlp_out', 'mlp_out:x', 'constructor:1']) expect(parseHook(text)).toBe(null);
  });

  it('the user’s word comes first, then the files’, then the path’s', () => {
    const hook = (asked: HookLike | undefined, hook_name: string | null, fromPath: number | null) =>
      hookName(
        saeHook('an SAE', { hook_name }, { asked, fromPath: fromPath === null ? null : hookOf(fromPath) }),
      );
    expect(hook({ layer: 3, site: 'attn_out' }, 'blocks.5.hook_mlp_out', 7)).toBe('attn_out:3');
    expect(hook(3, 'blocks.5.hook_mlp_out', 7)).toBe('mlp_out:3');
    expect(hook(3, 'hook_embed', 7)).toBe('resid_post:3');
    expect(hook(undefined, 'blocks.5.hook_resid_post', 7)).toBe('resid_post:5');
    expect(hook(undefined, null, 7)).toBe('resid_post:7');
    expect(() => hook(undefined, 'hook_embed', 7)).toThrow(/the hook "hook_embed"/);
    expect(() => hook(undefined, null, null)).toThrow(/#hook=mlp_out:4/);
  });

  it.each([
    ['gemma-scope-2b-pt-mlp google/gemma-scope-2b-pt-mlp', 'mlp_out'],
    ['gemma-scope-2b-pt-att google/gemma-scope-2b-pt-att', 'attn_z'],
    ['gemma-scope-2b-pt-res google/gemma-scope-2b-pt-res', 'resid_post'],
    ['llama_scope_lxm_8x', 'mlp_out'],
    ['llama_scope_lxa_8x', 'attn_out'],
    ['gemma-scope-2b-pt-transcoders', null],
    ['lab/model-mlp', null],
  ])('the words %s stand for %s', (words, site) => {
    expect(siteInWords(words)).toBe(site);
  });
});
