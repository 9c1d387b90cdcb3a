import { readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { UserError } from '../../../../runner/errors.ts';
import { hookOf } from '../../../../runner/hook.ts';
import type { Hub } from '../../../../runner/hub/transport.ts';
import { sha256 } from '../../../../runner/io/hash.ts';
import { openSaeFile } from '../../../../runner/sae/checkpoints/load.ts';
import { saeHook } from '../../../../runner/sae/published/hook-names.ts';
import { type Locating, locateSae, parseSaeName } from '../../../../runner/sae/published/locate.ts';
import { parseRegistry } from '../../../../runner/sae/published/registry.ts';
import { withBench } from '../../../hub/open.ts';
import type { Contents } from '../../../hub/repositories.ts';

const fixtures = fileURLToPath(new URL('../../../fixtures/', import.meta.url));
const registryText = readFileSync(`${fixtures}sae-registry/excerpt.yaml`, 'utf8');

function locating(hub: Hub, local: readonly string[] = []): Locating {
  return {
    hub,
    local: { exists: (path) => local.includes(path), home: '/home/user' },
    registry: async () => ({
      registry: parseRegistry('excerpt', registryText),
      sha256: sha256(registryText),
    }),
  };
}

/** The files of a fixture's folder, under another one. */
async function files(from: string, under: string): Promise<Record<string, Contents>> {
  const found: Record<string, Contents> = {};
  for (const entry of await readdir(`${fixtures}sae/${from}`, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const inside = path.slice(`${fixtures}sae/${from}/`.length);
    found[`${under}${inside}`] = { text: await readFile(path), lfs: !inside.endsWith('.json') };
  }
  return found;
}

test('a folder of a repository: its files and no others, the commit, the licence of its card', async () => {
  await withBench(async ({ hub, server }) => {
    const commit = server.put('lab/saes', {
      'README.md': { text: '---\nlicense: apache-2.0\ntags: [sae]\n---\n# SAEs\n' },
      ...(await files('sae-lens/topk', 'blocks.2.hook_resid_post/')),
      ...(await files('sae-lens/standard', 'blocks.4.hook_resid_post/')),
    });
    const text = 'lab/saes@main:blocks.2.hook_resid_post';
    const place = await locateSae(text, locating(hub));
    expect(place).toMatchObject({
      name: text,
      repo: 'lab/saes',
      revision: commit,
      pathInRepo: 'blocks.2.hook_resid_post',
      registry: null,
      license: 'apache-2.0',
      hook: { asked: undefined, fromPath: hookOf(2) },
      conversions: [],
    });
    const fetched = (name: string) => server.requests.some(({ address }) => address.includes(name));
    expect([fetched('golden'), fetched('blocks.4.hook_resid_post')]).toEqual([false, false]);
    const file = await openSaeFile(place.path, place.options);
    await file.close();
    expect([file.format, file.sae.architecture]).toEqual(['sae-lens', 'topk']);
    // What is here is not asked for again.
    const asked = server.requests.filter(({ method }) => method === 'GET').length;
    await locateSae(`lab/saes@${commit}:blocks.2.hook_resid_post`, locating(hub));
    expect(server.requests.filter(({ method }) => method === 'GET').length - asked).toBe(0);
  });
});

test('a repository of one SAE, a card without a licence, a block that the user names', async () => {
  await withBench(async ({ hub, server }) => {
    server.put('lab/one', {
      'README.md': { text: '# no front matter' },
      ...(await files('sparsify/sae', '')),
    });
    const place = await locateSae('lab/one#layer=3', locating(hub));
    expect(place).toMatchObject({ license: null, pathInRepo: null, hook: { asked: 3 } });
    const file = await openSaeFile(place.path, place.options);
    await file.close();
    expect(file.format).toBe('sparsify');
  });
});

test('where there is no SAE, the folders that hold one are named', async () => {
  await withBench(async ({ hub, server }) => {
    server.put('lab/many', {
      ...(await files('sparsify/sae', 'layers.3/')),
      ...(await files('sparsify/skip', 'layers.5/')),
    });
    const failure = locateSae('lab/many', locating(hub));
    await expect(failure).rejects.toThrow(UserError);
    await expect(failure).rejects.toThrow(/"layers\.3", "layers\.5".*lab\/many:FOLDER/);
    await expect(locateSae('lab/many:layers.4', locating(hub))).rejects.toThrow(/layers\.3/);
    await expect(locateSae('lab/nothing:x', locating(hub))).rejects.toThrow(/no repository of that name/);
  });
});

test('a name of the registry: its repository, and what stands beside it', async () => {
  await withBench(async ({ hub, server }) => {
    const path = 'layer_12/width_16k/average_l0_82/';
    server.put('google/gemma-scope-2b-pt-res', await files('gemma-scope/plain', path));
    const name = 'gemma-scope-2b-pt-res/layer_12/width_16k/average_l0_82';
    const place = await locateSae(name, locating(hub));
    expect(place).toMatchObject({
      name,
      repo: 'google/gemma-scope-2b-pt-res',
      pathInRepo: path.slice(0, -1),
      registry: {
        release: 'gemma-scope-2b-pt-res',
        id: 'layer_12/width_16k/average_l0_82',
        sha256: sha256(registryText),
      },
      hook: { asked: undefined, fromPath: hookOf(12) },
      license: null,
    });
    server.put('lab/averaged', await files('sae-lens/standard-average-norm', 'deep/'));
    const averaged = await locateSae('saelens:averaged/deep/blocks.2.hook_resid_post', locating(hub));
    expect(averaged.conversions).toEqual(['norm_scaling_factor 0.375 from the registry']);
    const file = await openSaeFile(averaged.path, averaged.options);
    await file.close();
    expect(file.sae.normalisation).toEqual({ kind: 'expected_average_only_in', scale: 0.375 });
  });
});

test('config_overrides of the registry are read instead of the config’s own', async () => {
  await withBench(async ({ hub, server }) => {
    const own = await files('sae-lens/v5-standard', 'blocks.8.hook_resid_pre/');
    server.put('jbloom/GPT2-Small-SAEs-Reformatted', own);
    const place = await locateSae('saelens:gpt2-small-res-jb/blocks.8.hook_resid_pre', locating(hub));
    const file = await openSaeFile(place.path, place.options);
    await file.close();
    expect(file.sae.normalisation).toEqual({ kind: 'constant_norm_rescale' });
    expect(file.conversions).toContain('config: normalize_activations set to "constant_norm_rescale"');
    expect(place.hook.fromPath).toEqual(hookOf(7));
  });
});

test('Qwen-Scope: one file, k from the repository’s name', async () => {
  await withBench(async ({ hub, server }) => {
    const repo = 'Qwen/SAE-Res-Qwen3-1.7B-Base-W32K-L0_5';
    server.put(repo, await files('qwen-scope/sae', ''));
    for (const name of [`${repo}:layer0.sae.pt`, 'saelens:qwen-scope-3-1.7b-base-w32k-l50/layer0']) {
      const place = await locateSae(name, locating(hub));
      expect(place.options.k).toBe(5);
      expect(place.conversions).toEqual(['k 5 from the repository’s name']);
      expect(place.hook.fromPath).toEqual(hookOf(0));
      const file = await openSaeFile(place.path, place.options);
      await file.close();
      expect(file.sae).toMatchObject({ architecture: 'topk', k: 5 });
    }
    expect((await locateSae(`${repo}:layer0.sae.pt#k=3`, locating(hub))).options.k).toBe(3);
  });
});

test('Goodfire: one file, model and block from its name', async () => {
  await withBench(async ({ hub, server }) => {
    const repo = 'Goodfire/Llama-3.1-8B-Instruct-SAE-l19';
    const [[, contents] = []] = Object.entries(await files('goodfire/sae', '')).filter(([name]) =>
      name.endsWith('.pth'),
    );
    const name = 'Llama-3.1-8B-Instruct-SAE-l19.pth';
    server.put(repo, { [name]: contents! });
    const release = [
      'goodfire-llama-3.1-8b-instruct:',
      '  conversion_func: goodfire',
      '  model: meta-llama/Llama-3.1-8B-Instruct',
      `  repo_id: ${repo}`,
      '  saes:',
      '  - id: layer_19',
      `    path: ${name}`,
      '',
    ].join('\n');
    const registry = async () => ({
      registry: parseRegistry('its release', release),
      sha256: sha256(release),
    });
    for (const asked of [`${repo}:${name}`, 'saelens:goodfire-llama-3.1-8b-instruct/layer_19']) {
      const place = await locateSae(asked, { ...locating(hub), registry });
      const file = await openSaeFile(place.path, place.options);
      await file.close();
      expect(file.format).toBe('goodfire');
      const { hook_name, model_name } = file.details;
      expect(saeHook(asked, { hook_name }, place.hook)).toMatchObject(hookOf(19));
      expect(model_name).toBe('Llama-3.1-8B-Instruct');
    }
  });
});

test('a folder that is called like a file', async () => {
  await withBench(async ({ hub, server }) => {
    server.put('jbloom/GPT2-v5', await files('sae-lens/v5-topk', 'v5_32k_layer_0.pt/'));
    const place = await locateSae('jbloom/GPT2-v5:v5_32k_layer_0.pt', locating(hub));
    const file = await openSaeFile(place.path, place.options);
    await file.close();
    expect(file.format).toBe('sae-lens');
  });
});

test('what is known and not read is refused by name, before anything of it is downloaded', async () => {
  await withBench(async ({ hub, server }) => {
    for (const [name, message] of [
      ['saelens:clt-as-per-layer/layer_0', /one layer of a cross-layer transcoder.*eval --sae/],
    ] as const) {
      const failure = locateSae(name, locating(hub));
      await expect(failure).rejects.toThrow(UserError);
      await expect(failure).rejects.toThrow(message);
    }
    expect(server.requests.filter(({ address }) => address.includes('/resolve/'))).toEqual([]);
  });
});

test('crosscoders are found in a repository, and language models are not taken for them', async () => {
  await withBench(async ({ hub, server }) => {
    const files = { 'config.json': { text: '{}' }, 'model.safetensors': { text: 'x' } };
    server.put('lab/diff-L13', files);
    server.put('lab/model', { ...files, 'tokenizer.json': { text: '{}' } });
    const place = await locateSae('lab/diff-L13#hooks=resid_post:1+mlp_out:2', locating(hub));
    expect((await readdir(place.path)).sort()).toEqual(['config.json', 'model.safetensors']);
    expect(place.options).toEqual({
      hooks: [
        { site: 'resid_post', layer: 1 },
        { site: 'mlp_out', layer: 2 },
      ],
    });
    const asked = server.requests.length;
    await expect(locateSae('lab/model', locating(hub))).rejects.toThrow(/no files of an SAE there/);
    const more = server.requests.slice(asked).map(({ address }) => address);
    expect(more.filter((address) => address.endsWith('/model.safetensors'))).toEqual([]);
    server.put('ckkissane/crosscoder-gemma-2-2b-model-diff', {
      'blocks.14.hook_resid_pre/cfg.json': { text: '{}' },
      'blocks.14.hook_resid_pre/cc_weights.pt': { text: 'x' },
    });
    const released = await locateSae(
      'ckkissane/crosscoder-gemma-2-2b-model-diff:blocks.14.hook_resid_pre',
      locating(hub),
    );
    expect(released.options).toEqual({ normScales: [0.2758961493232058, 0.24422852496546169] });
    expect(released.conversions).toEqual([expect.stringContaining('authors’ notebook')]);
  });
});

test('a loader that no adapter corresponds to is named, with those that are known', async () => {
  await withBench(async ({ hub, server }) => {
    const failure = locateSae('saelens:of-a-new-loader/layer_0', locating(hub));
    await expect(failure).rejects.toThrow(
      /"some_new_loader".*sae_lens, sparsify, .*gemma_2, gemma_2_transcoder, gemma_3/,
    );
    expect(server.requests).toEqual([]);
  });
});

test('what is here is local, whatever it looks like; offline, what is cached is enough', async () => {
  await withBench(async (bench) => {
    const { hub, server } = bench;
    const place = await locateSae('a/b/c#layer=2', locating(hub, ['a/b/c']));
    expect(place).toMatchObject({ path: 'a/b/c', repo: null, hook: { asked: 2, fromPath: null } });
    expect((await locateSae('./runs/x/layer_7', locating(hub))).hook.fromPath).toEqual(hookOf(7));
    server.put('lab/saes', await files('sae-lens/topk', 'layer_2/'));
    await locateSae('lab/saes:layer_2', locating(hub));
    const asked = server.requests.length;
    const offline = bench.with({ offline: true });
    expect((await locateSae('lab/saes:layer_2', locating(offline))).pathInRepo).toBe('layer_2');
    expect(server.requests).toHaveLength(asked);
    await expect(locateSae('lab/saes:layer_9', locating(offline))).rejects.toThrow();
  });
});

test('options after #', () => {
  expect(parseSaeName('a/b:c#layer=3,k=50,normScale=0.5,normalize=true')).toEqual({
    name: 'a/b:c',
    options: { layer: 3, k: 50, normScale: 0.5, normalize: true },
  });
  expect(parseSaeName('a/b#hook=mlp_out:12,k=8')).toEqual({
    name: 'a/b',
    options: { hook: { layer: 12, site: 'mlp_out' }, k: 8 },
  });
  for (const bad of [
    'a#layer',
    'a#layer=x',
    'a#k=0',
    'a#hook=3',
    'a#hook=mlp',
    'a#hook=mlp_out:x',
    'a#',
    'a#layer=1.5',
    'a#layer=0,layer=2',
    'a#layer=0,hook=mlp_out:3',
    'a#layer=0=3',
    'a#layer=0x0',
    'a#__proto__=1',
  ])
    expect(() => parseSaeName(bad)).toThrow(UserError);
});

test('a folder with files of a release and of nothing else is not mistaken', async () => {
  await withBench(async ({ hub, server }) => {
    const at = join(hub.settings.cacheFolder, 'x');
    await mkdir(at, { recursive: true });
    await writeFile(join(at, 'config.json'), '{}');
    await expect(openSaeFile(at)).rejects.toThrow('no known format');
    expect(server.requests).toEqual([]);
  });
});
