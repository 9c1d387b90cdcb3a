/**
 * Gemma Scope 2 (Google DeepMind): `config.json` and `params.safetensors` with w_enc [d_in, d_sae], w_dec [d_sae, d_out],
 * b_enc, b_dec, threshold, and for transcoders with an affine connection affine_skip_connection [d_in, d_out].
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { MalformedError } from '../../errors.ts';
import type { SaeAdapter } from './adapter.ts';
import {
  accepted,
  openTensors,
  readConfig,
  type SaeFile,
  shortText,
  size,
  storedTensors,
  TensorBag,
} from './loaded.ts';

const FILES = { config: 'config.json', tensors: 'params.safetensors' } as const;

const configSchema = z.strictObject({
  architecture: z.literal('jump_relu'),
  model_name: shortText,
  hf_hook_point_in: shortText,
  hf_hook_point_out: shortText.nullish(),
  affine_connection: z.boolean().default(false),
  width: size.optional(),
  l0: z.number().optional(),
  type: shortText.optional(),
});

type Config = Omit<z.infer<typeof configSchema>, 'model_name'> & { model_name?: string };

/**
 * Some published folders have no config. Their names say the hook, as in resid_post/layer_12_width_16k_l0_medium (the
 * rule of SAELens' loader).
 *
 * @throws MalformedError for other names
 */
function configOfPath(folder: string): Config {
  const [, kind, layer] =
    /(?:^|[\\/])(resid_post|attn_out|mlp_out|transcoder)(?:_all)?[\\/]layer_(\d+)_[^\\/]*$/.exec(folder) ??
    [];
  const hooks: Readonly<Record<string, readonly [string, string]>> = {
    resid_post: ['output', 'output'],
    attn_out: ['self_attn.o_proj.input', 'self_attn.o_proj.input'],
    mlp_out: ['post_feedforward_layernorm.output', 'post_feedforward_layernorm.output'],
    transcoder: ['pre_feedforward_layernorm.output', 'post_feedforward_layernorm.output'],
  };
  const found = kind === undefined ? undefined : hooks[kind];
  if (found === undefined) {
    throw new MalformedError({
      thing: folder,
      found: 'no config.json, and a name that says no hook',
      expected: 'config.json, or a folder such as resid_post/layer_12_width_16k_l0_medium',
      next: 'Download the folder whole.',
    });
  }
  return {
    architecture: 'jump_relu',
    hf_hook_point_in: `model.layers.${layer}.${found[0]}`,
    hf_hook_point_out: `model.layers.${layer}.${found[1]}`,
    affine_connection: /_affine$/.test(folder),
  };
}

export const gemmaScope2: SaeAdapter = {
  format: 'gemma-scope-2',
  mark: { folder: (names) => names.includes(FILES.tensors) },
  files: /^(?:config\.json|params\.safetensors)$/,
  tensors: /^params\.safetensors$/,
  loaders: ['gemma_3'],
  takes: [],
  open: openGemmaScope2,
};

/** @throws UnavailableError @throws MalformedError */
async function openGemmaScope2(folder: string): Promise<SaeFile> {
  const path = join(folder, FILES.config);
  const inferred = existsSync(path) ? null : configOfPath(folder);
  const config = inferred ?? (await readConfig(path, configSchema, 'Gemma Scope 2'));
  return openTensors(join(folder, FILES.tensors), inferred ? [] : [path], async (source) => {
    const bag = new TensorBag(source.name, 'Gemma Scope 2', await storedTensors(source));
    const W_enc = bag.matrix('w_enc', [-1, -1]);
    const [d_in, d_sae] = [W_enc.rows, W_enc.columns];
    const W_dec = bag.matrix('w_dec', [d_sae, -1]);
    const d_out = W_dec.columns;
    const hooks = [config.hf_hook_point_in, config.hf_hook_point_out ?? config.hf_hook_point_in];
    const transcoder = hooks[0] !== hooks[1];
    if (!transcoder && (d_out !== d_in || config.affine_connection)) {
      throw bag.malformed(`w_dec of ${d_out} columns for one hook of ${d_in}`, 'two hooks, or one width');
    }
    const conversions: string[] = inferred
      ? ['config.json is missing: the hook is the one that the folder’s name says']
      : [];
    if (config.affine_connection) conversions.push('affine_skip_connection turned');
    const sae = {
      architecture: 'jumprelu',
      d_in,
      d_sae,
      ...(transcoder ? { d_out } : {}),
      apply_b_dec_to_input: false,
      normalisation: { kind: 'none' },
      W_enc,
      W_dec,
      b_enc: await bag.take('b_enc', [d_sae]),
      b_dec: await bag.take('b_dec', [d_out]),
      threshold: await bag.take('threshold', [d_sae]),
      ...(config.affine_connection
        ? { W_skip: await bag.matrix('affine_skip_connection', [d_in, d_out]).turned().read() }
        : {}),
    } as const;
    bag.rest();
    return {
      format: 'gemma-scope-2',
      sae: accepted(source.name, sae),
      details: {
        model_name: config.model_name ?? null,
        hook_name: config.hf_hook_point_in,
        ...(transcoder ? { hook_name_out: config.hf_hook_point_out ?? null } : {}),
      },
      conversions,
    };
  });
}
