/**
 * What adapters refuse: keys nobody knows, tensors that do not fit, what the files cannot say. Over 400 lines, as it has a case
 * for each adapter.
 */
import { cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InterpboardError, MalformedError, UserError } from '../../../../runner/errors.ts';
import { encodeSafetensors, type TensorToWrite } from '../../../../runner/formats/safetensors.ts';
import { random } from '../../../../runner/math/random.ts';
import type { LoadOptions } from '../../../../runner/sae/checkpoints/adapter.ts';
import { detectFormat } from '../../../../runner/sae/checkpoints/detect.ts';
import { loadSae, openSaeFile } from '../../../../runner/sae/checkpoints/load.ts';
import type { LoadedSae } from '../../../../runner/sae/checkpoints/loaded.ts';
import { writeRelease } from '../../../../runner/sae/checkpoints/reference-release.ts';
import { storedSha256 } from '../../../../runner/sae/stored-sae.ts';
import { mutated, zipOf } from '../../formats/hostile.ts';
import { randomSae } from '../support.ts';

const fixtures = fileURLToPath(new URL('../../../fixtures/sae/', import.meta.url));
let root: string;
let copies = 0;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'adapters-'));
});
afterAll(() => rm(root, { recursive: true }));

/** A copy of a fixture's folder with its config changed. */
async function copy(name: string, config?: string, change: Record<string, unknown> = {}): Promise<string> {
  const folder = join(root, String(copies++));
  await cp(join(fixtures, name), folder, { recursive: true });
  if (config !== undefined) {
    const path = join(folder, config);
    await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, 'utf8')), ...change }));
  }
  return folder;
}

async function refusal(reading: Promise<unknown>): Promise<string> {
  const error = await reading.catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(MalformedError);
  const { message } = error as MalformedError;
  expect(message).not.toContain('\n');
  return message;
}

describe('configs', () => {
  it.each<[string, string, Record<string, unknown>, (folder: string) => Promise<LoadedSae>, string]>([
    ['sae-lens/topk', 'cfg.json', { signed: true }, loadSae, 'signed'],
    ['sae-lens/topk', 'cfg.json', { k: undefined }, loadSae, 'topk without k'],
    ['sae-lens/topk', 'cfg.json', { k: 41 }, loadSae, 'k = 41'],
    ['sae-lens/topk', 'cfg.json', { architecture: 'temporal' }, loadSae, 'architecture "temporal"'],
    ['sae-lens/abstopk', 'cfg.json', { k: undefined }, loadSae, 'abstopk without k'],
    ['sae-lens/topk', 'cfg.json', { residual_threshold: 1 }, loadSae, 'topk and residual_threshold'],
    ['sae-lens/topk', 'cfg.json', { max_iterations: 3 }, loadSae, 'topk and max_iterations'],
    ['sae-lens/topk', 'cfg.json', { stop_on_duplicate_support: false }, loadSae, 'topk and stop_on_dupl'],
    ['sae-lens/matching-pursuit', 'cfg.json', { residual_threshold: -1 }, loadSae, 'residual_threshold -1'],
    [
      'sae-lens/matching-pursuit',
      'cfg.json',
      { architecture: 'standard' },
      loadSae,
      'standard and residual_threshold',
    ],
    [
      'sae-lens/topk',
      'cfg.json',
      { architecture: 'matching_pursuit', k: undefined, rescale_acts_by_decoder_norm: undefined },
      loadSae,
      'a tensor \\"W_enc\\"',
    ],
    // A training checkpoint has a threshold of its own, and none but it has the settings of training.
    ['sae-lens/topk', 'cfg.json', { architecture: 'batchtopk' }, loadSae, 'no tensor "topk_threshold"'],
    ['sae-lens/checkpoint-batchtopk', 'cfg.json', { k: undefined }, loadSae, 'batchtopk without k'],
    ['sae-lens/checkpoint-jumprelu', 'cfg.json', { noise: 1 }, loadSae, 'noise'],
    [
      'sae-lens/transcoder',
      'cfg.json',
      { apply_b_dec_to_input: true },
      loadSae,
      'architecture transcoder and apply_b_dec_to_input',
    ],
    [
      'sae-lens/v5-topk',
      'cfg.json',
      { architecture: 'standard', activation_fn_str: 'topk', activation_fn_kwargs: {} },
      loadSae,
      'without activation_fn_kwargs.k',
    ],
    ['sae-lens/standard', 'cfg.json', { k: 5 }, loadSae, 'k 5'],
    ['sae-lens/standard', 'cfg.json', { d_sae: 41 }, loadSae, 'of shape [12, 40]; expected [12, 41]'],
    ['sae-lens/standard', 'cfg.json', { architecture: 'jumprelu' }, loadSae, 'no tensor \\"threshold\\"'],
    ['sae-lens/jumprelu', 'cfg.json', { architecture: 'standard' }, loadSae, 'a tensor \\"threshold\\"'],
    [
      'sae-lens/standard',
      'cfg.json',
      { normalize_activations: 'covariance_whitening' },
      loadSae,
      'covariance_whitening without activation_whitening.safetensors',
    ],
    ['sae-lens/standard-average-norm', 'cfg.json', {}, loadSae, 'without its scalar'],
    ['sae-lens/v5-standard', 'cfg.json', { temperature: 2 }, loadSae, 'temperature'],
    [
      'llama-scope/sae',
      'hyperparams.json',
      { apply_decoder_bias_to_pre_encoder: true },
      loadSae,
      'apply_decoder_bias_to_pre_encoder true',
    ],
    [
      'llama-scope-r1/average-norm',
      'config.json',
      { apply_decoder_bias_to_pre_encoder: true },
      loadSae,
      'apply_decoder_bias_to_pre_encoder true',
    ],
    ['sae-lens/v5-standard', 'cfg.json', { activation_fn_str: 'tanh-relu' }, loadSae, 'activation_fn'],
    [
      'sae-lens/v5-standard',
      'cfg.json',
      { finetuning_scaling_factor: true },
      loadSae,
      'finetuning_scaling_factor',
    ],
    ['sparsify/sae', 'cfg.json', { activation: 'batchtopk' }, loadSae, 'activation'],
    ['sparsify/groupmax', 'cfg.json', { k: 7 }, loadSae, '40 latents in 7 groups'],
    ['sparsify/sae', 'cfg.json', { signed: true }, loadSae, 'signed'],
    ['sparsify/sae', 'cfg.json', { num_latents: 48 }, loadSae, '40 latents'],
    ['sparsify/sae', 'cfg.json', { k: 41 }, loadSae, 'k 41'],
    ['sparsify/skip', 'cfg.json', { skip_connection: false }, loadSae, 'W_skip'],
    ['llama-scope/sae', 'hyperparams.json', { use_glu_encoder: true }, loadSae, 'use_glu_encoder'],
    ['llama-scope/sae', 'hyperparams.json', { dataset_average_activation_norm: { in: 0 } }, loadSae, '.in'],
    ['gemma-scope-2/sae', 'config.json', { gain: 2 }, loadSae, 'gain'],
    ['gemma-scope-2/transcoder', 'config.json', { hf_hook_point_out: undefined }, loadSae, '9 columns'],
  ])('%s, %s with %o', async (name, file, change, read, named) => {
    const message = await refusal(read(await copy(name, file, change)));
    expect(message.replaceAll('\\"', '"')).toContain(named.replaceAll('\\"', '"'));
  });

  it('dictionary_learning: a setting nobody knows, another class, another k', async () => {
    const folder = await copy('dictionary-learning/BatchTopKSAE');
    const path = join(folder, 'config.json');
    const config = JSON.parse(await readFile(path, 'utf8')) as { trainer: Record<string, unknown> };
    for (const [change, named] of [
      [{ tanh: 1 }, 'tanh'],
      [{ dict_class: 'IdentityDict' }, 'dict_class'],
      [{ k: 6 }, 'k 5 in the tensors and 6 in the config'],
      [{ dict_class: 'GatedAutoEncoder' }, 'decoder_bias'],
    ] as const) {
      await writeFile(path, JSON.stringify({ ...config, trainer: { ...config.trainer, ...change } }));
      expect(await refusal(loadSae(folder))).toContain(named);
    }
  });

  it('dictionary_learning: the hook is that of the layer and the submodule', async () => {
    const folder = await copy('dictionary-learning/BatchTopKSAE');
    const path = join(folder, 'config.json');
    const config = JSON.parse(await readFile(path, 'utf8')) as { trainer: Record<string, unknown> };
    for (const [change, hook] of [
      [{ layer: 12 }, 'blocks.12.hook_resid_post'],
      [{ layer: 12, submodule_name: 'resid_post_layer_12' }, 'blocks.12.hook_resid_post'],
      [{ layer: 12, submodule_name: 'mlp_out_layer_12' }, 'mlp_out_layer_12'],
      [{ layer: undefined }, null],
    ] as const) {
      await writeFile(
        path,
        JSON.stringify({ ...config, trainer: { ...config.trainer, submodule_name: undefined, ...change } }),
      );
      expect((await loadSae(folder)).details.hook_name).toBe(hook);
    }
  });

  it('k of Qwen-Scope comes from the caller and must be possible', async () => {
    const file = join(fixtures, 'qwen-scope/sae/layer0.sae.pt');
    await expect(loadSae(file, { k: 41 })).rejects.toThrow(UserError);
  });

  it('what a format says itself is not taken from a name', async () => {
    const say = (path: string, options: LoadOptions) => loadSae(join(fixtures, path), options).catch(String);
    expect(await say('sae-lens/topk', { k: 3 })).toMatch(/UserError.*found #k.*Leave #k out/);
    expect(await say('goodfire/sae/tiny-SAE-l2.pth', { normScale: 2 })).toMatch(
      /UserError.*found #normScale/,
    );
  });

  it('what an adapter computes and float32 does not hold is refused', async () => {
    const found = await loadSae(join(fixtures, 'llama-scope-r1/average-norm'), { normScale: 1e300 }).catch(
      String,
    );
    expect(found).toMatch(/MalformedError.*scale = 1e\+300; expected what float32 holds/);
  });

  it('an older scaling_factor is dropped when it is of ones, and refused otherwise', async () => {
    const folder = await copy('sae-lens/standard');
    const write = async (factor: number): Promise<void> => {
      const f32 = (shape: number[], value: number): TensorToWrite => ({
        dtype: 'F32',
        shape,
        data: new Float32Array(shape.reduce((a, b) => a * b)).fill(value),
      });
      const tensors = {
        W_enc: f32([12, 40], 1),
        W_dec: f32([40, 12], 1),
        b_enc: f32([40], 0),
        b_dec: f32([12], 0),
      };
      const bytes = encodeSafetensors({ ...tensors, scaling_factor: f32([40], factor) });
      await writeFile(join(folder, 'sae_weights.safetensors'), Buffer.concat(bytes));
    };
    await write(1);
    expect((await loadSae(folder)).conversions).toEqual(['scaling_factor of ones dropped']);
    await write(2);
    expect(await refusal(loadSae(folder))).toContain('scaling_factor');
  });

  it.each([Number.NaN, Number.NEGATIVE_INFINITY])('%d in a tensor is refused by its name', async (value) => {
    const folder = await copy('sae-lens/standard');
    const write = async (broken: string): Promise<void> => {
      const f32 = (name: string, shape: number[]): TensorToWrite => {
        const data = new Float32Array(shape.reduce((a, b) => a * b)).fill(0.5);
        if (name === broken) data[15] = value;
        return { dtype: 'F32', shape, data };
      };
      const shapes = { W_enc: [12, 40], W_dec: [40, 12], b_enc: [40], b_dec: [12] };
      const bytes = encodeSafetensors(
        Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, f32(name, shape)])),
      );
      await writeFile(join(folder, 'sae_weights.safetensors'), Buffer.concat(bytes));
    };
    await write('b_enc');
    expect(await refusal(loadSae(folder))).toContain(`${value} in tensor "b_enc", element 15`);
    await write('W_dec');
    const file = await openSaeFile(folder);
    try {
      const named = `${value} in tensor "W_dec", row 1, column 3`;
      expect(await refusal(file.load())).toContain(named);
      expect(await refusal(storedSha256(file.sae))).toContain(named);
      expect(await refusal(file.sae.W_dec.turned().block({ rows: [3, 4], columns: [0, 40] }))).toContain(
        named,
      );
      expect((await file.sae.W_dec.block({ rows: [2, 4], columns: [0, 12] })).length).toBe(24);
    } finally {
      await file.close();
    }
  });

  it('a whitening that is not beside its SAE, or is of another width, is said', async () => {
    const alone = await copy('sae-lens/whitened-standard');
    await rm(join(alone, 'activation_whitening.safetensors'));
    expect(await refusal(loadSae(alone))).toContain(
      'covariance_whitening without activation_whitening.safetensors',
    );
    const other = await copy('sae-lens/whitened-standard');
    const zeros = (...shape: number[]): TensorToWrite => ({
      dtype: 'F32',
      shape,
      data: new Float32Array(shape.reduce((product, size) => product * size)),
    });
    await writeFile(
      join(other, 'activation_whitening.safetensors'),
      encodeSafetensors({ mean: zeros(11), matrix: zeros(11, 11), inverse_matrix: zeros(11, 11) }),
    );
    expect(await refusal(loadSae(other))).toContain('of shape [11]');
    const pursuit = await copy('sae-lens/matching-pursuit', 'cfg.json', {
      normalize_activations: 'covariance_whitening',
    });
    await cp(
      join(fixtures, 'sae-lens/whitened-standard/activation_whitening.safetensors'),
      join(pursuit, 'activation_whitening.safetensors'),
    );
    expect(await refusal(loadSae(pursuit))).toContain(
      'covariance_whitening of an SAE that encodes by matching pursuit',
    );
  });

  it('a value that cannot be is not said to be a key that is not known', async () => {
    const none = await copy('sae-lens/matching-pursuit', 'cfg.json', { max_iterations: 0 });
    const value = await refusal(loadSae(none));
    expect(value).toContain('max_iterations 0: Too small');
    expect(value).not.toContain('key');
    const other = await copy('sae-lens/matching-pursuit', 'cfg.json', { most_iterations: 1 });
    expect(await refusal(loadSae(other))).toContain('every key of it known');
  });

  it('the scalar that is said goes before the one that is saved beside the SAE', async () => {
    const said = await loadSae(join(fixtures, 'sae-lens/checkpoint-standard-scaler'), { normScale: 0.5 });
    expect(said.sae.normalisation).toEqual({ kind: 'expected_average_only_in', scale: 0.5 });
    const saved = await loadSae(join(fixtures, 'sae-lens/checkpoint-standard-scaler'));
    expect(saved.sae.normalisation).toEqual({ kind: 'expected_average_only_in', scale: 0.625 });
    expect(saved.conversions).toContain('scaling_factor 0.625 of activation_scaler.json');
  });

  it('of temporal SAEs what cannot be read is said: YAML, keys, sizes', async () => {
    const folder = await copy('temporal-sae/layer_2-tied-topk');
    const path = join(folder, 'conf.yaml');
    const config = JSON.parse(await readFile(path, 'utf8')) as { sae: object };
    const refused = async (text: string): Promise<string> => {
      await writeFile(path, text);
      return refusal(loadSae(folder));
    };
    const changed = (change: object): Promise<string> =>
      refused(JSON.stringify({ ...config, sae: { ...config.sae, ...change } }));
    expect(await refused('sae: [')).toContain('expected YAML of at most');
    expect(await refused(' '.repeat(100_001))).toContain('100001 bytes');
    expect(await changed({ sae_diff_type: 'standard' })).toContain('sae.sae_diff_type');
    expect(await changed({ tied_weights: false })).toMatch(/no tensor .*E/);
    expect(await changed({ n_heads: 3 })).toContain('heads = 3');
    expect(await changed({ bottleneck_factor: 8 })).toContain('attn_layers.0.k_ctx.weight');
    expect(await changed({ n_attn_layers: 2 })).toContain('attn_layers.1.k_ctx.weight');
  });

  it('a Gemma Scope SAE of the embedding is rescaled by √d', async () => {
    const folder = join(root, 'embedding', 'width_4k');
    await mkdir(folder, { recursive: true });
    await cp(join(fixtures, 'gemma-scope/plain/params.npz'), join(folder, 'params.npz'));
    const [scaled, plain] = [await loadSae(folder), await loadSae(join(fixtures, 'gemma-scope/plain'))];
    expect(scaled.sae.W_enc[7]! * Math.sqrt(12)).toBeCloseTo(plain.sae.W_enc[7]!, 6);
    expect(scaled.sae.W_dec[7]! / Math.sqrt(12)).toBeCloseTo(plain.sae.W_dec[7]!, 6);
    expect(scaled.conversions).toHaveLength(1);
    expect(scaled.details.hook_name).toBe('blocks.0.hook_resid_pre');
  });
});

describe('Gemma Scope 2', () => {
  /** The keys of a published config, as programs that read them hold them to be. */
  it('reads the keys that published configs have', async () => {
    const published = { width: 40, l0: 150, affine_connection: false, type: 'sae' };
    const hook = 'model.layers.17.output';
    const change = { ...published, hf_hook_point_in: hook, hf_hook_point_out: hook };
    const found = await loadSae(await copy('gemma-scope-2/sae', 'config.json', change));
    expect(found.details.hook_name).toBe(hook);
    expect(found.sae.d_out).toBeUndefined();
  });

  it('takes the hook from the folder’s name where there is no config', async () => {
    const [sae, transcoder] = [
      join(root, 'resid_post_all', 'layer_17_width_16k_l0_big'),
      join(root, 'transcoder', 'layer_3_width_16k_l0_small_affine'),
    ];
    for (const [name, folder] of [
      ['sae', sae],
      ['transcoder', transcoder],
    ] as const) {
      const from = join(fixtures, 'gemma-scope-2', name);
      await mkdir(folder, { recursive: true });
      await cp(join(from, 'params.safetensors'), join(folder, 'params.safetensors'));
      expect(await detectFormat(folder)).toBe('gemma-scope-2');
      const [inferred, written] = [await loadSae(folder), await loadSae(from)];
      expect(inferred.sae).toEqual(written.sae);
      expect(inferred.conversions[0]).toContain('config.json is missing');
    }
    expect((await loadSae(sae)).details).toEqual({
      model_name: null,
      hook_name: 'model.layers.17.output',
    });
    const elsewhere = await copy('gemma-scope-2/sae');
    await rm(join(elsewhere, 'config.json'));
    expect(await refusal(loadSae(elsewhere))).toContain('says no hook');
  });
});

describe('detection', () => {
  it('says what it found where it knows no format', async () => {
    const empty = join(root, 'empty');
    await mkdir(empty);
    await expect(detectFormat(empty)).rejects.toThrow('0 files of no known format');
    await expect(detectFormat(join(root, 'nowhere'))).rejects.toThrow(UserError);
    await expect(detectFormat(join(fixtures, 'dictionary-learning/AutoEncoder/ae.pt'))).rejects.toThrow(
      'config.json',
    );
  });

  it('looks into the tensors where names agree and contents do not', async () => {
    const folder = await copy('sparsify/sae');
    await rename(join(folder, 'sae.safetensors'), join(folder, 'sae_weights.safetensors'));
    await expect(detectFormat(folder)).rejects.toThrow('with a tensor encoder.weight');
  });

  it('refuses two formats at once', async () => {
    const folder = await copy('sparsify/sae');
    await cp(join(fixtures, 'gemma-scope/plain/params.npz'), join(folder, 'params.npz'));
    await expect(detectFormat(folder)).rejects.toThrow('sparsify, gemma-scope');
  });
});

describe('loading by path alone', () => {
  it('asks for what the files do not say', async () => {
    const qwen = join(fixtures, 'qwen-scope/sae/layer0.sae.pt');
    await expect(loadSae(qwen)).rejects.toThrow('no k');
    expect((await loadSae(qwen, { k: 5 })).format).toBe('qwen-scope');
    const openai = join(fixtures, 'openai/relu/layer.pt');
    expect((await loadSae(openai)).sae.normalisation).toEqual({ kind: 'none' });
    expect((await loadSae(openai, { normalize: true })).sae.normalisation).toEqual({ kind: 'layer_norm' });
    expect((await loadSae(join(fixtures, 'sparsify/sae'))).sae.architecture).toBe('topk');
  });

  it('takes the only layer of a release', async () => {
    const folder = join(root, 'release');
    await mkdir(folder);
    const details = { k_aux: 3, alpha_aux: 0, hook_name: 'h', model_name: 'm', tokens_seen: 1, step: 1 };
    const sae = randomSae(4, 9, 2);
    await writeRelease(folder, 7, { sae, details });
    expect((await loadSae(folder)).sae).toEqual(sae);
    await writeRelease(folder, 9, { sae, details });
    await expect(loadSae(folder)).rejects.toThrow('no layer; expected one of 7, 9');
  });
});

describe('hostile files', () => {
  it('a huge empty tensor is refused without walking through it', async () => {
    const folder = await copy('gemma-scope/plain');
    const text = Buffer.from("{'descr': '<f4', 'fortran_order': False, 'shape': (999999999999999, 0), }\n");
    const empty = Buffer.concat([Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, text.length, 0]), text]);
    await writeFile(join(folder, 'params.npz'), zipOf([{ name: 'W_enc.npy', bytes: empty }]));
    expect(await refusal(loadSae(folder))).toContain('[999999999999999, 0]');
  });

  it('damaged configs: an error of ours or an SAE, nothing else', async () => {
    const targets: [string, string, (folder: string) => Promise<LoadedSae>][] = [
      ['sae-lens/topk-rescale', 'cfg.json', loadSae],
      ['sae-lens/v5-topk', 'cfg.json', loadSae],
      ['sparsify/skip', 'cfg.json', loadSae],
      ['dictionary-learning/AutoEncoderTopK', 'config.json', loadSae],
      ['gemma-scope-2/transcoder', 'config.json', loadSae],
      ['llama-scope/sae', 'hyperparams.json', loadSae],
      ['sae-lens/matching-pursuit', 'cfg.json', loadSae],
      ['sae-lens/checkpoint-standard-scaler', 'activation_scaler.json', loadSae],
      ['temporal-sae/layer_2-tied-topk', 'conf.yaml', loadSae],
    ];
    let refused = 0;
    for (const [name, file, read] of targets) {
      const folder = await copy(name);
      const original = await readFile(join(folder, file));
      for (let seed = 0; seed < 40; seed++) {
        await writeFile(join(folder, file), mutated(original, random('config', name, seed)));
        const result = await read(folder).catch((caught: unknown) => caught);
        if (!(result instanceof Error)) continue;
        if (!(result instanceof InterpboardError))
          throw new Error(`${name}, seed ${seed}`, { cause: result });
        expect(result.message).not.toMatch(/[\n\r]/);
        expect(result.message.length).toBeLessThan(1_000);
        refused++;
      }
    }
    console.info(`configs: 360 files, ${refused} refused`);
    expect(refused).toBeGreaterThan(80);
  });
});
