/**
 * Llama Scope (OpenMOSS, arXiv 2410.20526): `hyperparams.json` and `checkpoints/final.safetensors`; encoder.weight
 * [d_sae, d_in], decoder.weight [d_in, d_sae]. x is scaled by s = √d/(mean norm of the training activations); the one
 * threshold stands in the config for unscaled activations, so it is multiplied by s too (as SAELens' loader does).
 */
import { join } from 'node:path';
import { z } from 'zod';
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

const FILES = {
  config: 'hyperparams.json',
  tensors: 'checkpoints/final.safetensors',
} as const;

const norms = z.strictObject({ in: z.number().positive(), out: z.number().positive().optional() });

/** The published files hold many settings of the run; what is read of them is checked, and those that would change it. */
const configSchema = z.looseObject({
  d_model: size,
  d_sae: size,
  hook_point_in: shortText,
  hook_point_out: shortText.optional(),
  jump_relu_threshold: z.number().nonnegative(),
  dataset_average_activation_norm: norms,
  activation_fn: z.literal('jumprelu').optional(),
  norm_activation: z.literal('dataset-wise').optional(),
  apply_decoder_bias_to_pre_encoder: z.literal(false).optional(),
  use_decoder_bias: z.literal(true).optional(),
  use_glu_encoder: z.literal(false).optional(),
  sparsity_include_decoder_norm: z.boolean().optional(),
});

export const llamaScope: SaeAdapter = {
  format: 'llama-scope',
  mark: { folder: (names) => names.includes(FILES.config) && names.includes('checkpoints') },
  files: /^(?:hyperparams\.json|checkpoints\/final\.safetensors)$/,
  tensors: /^checkpoints\/final\.safetensors$/,
  loaders: ['llama_scope'],
  takes: [],
  open: openLlamaScope,
};

/** @throws UnavailableError @throws MalformedError */
async function openLlamaScope(folder: string): Promise<SaeFile> {
  const path = join(folder, FILES.config);
  const config = await readConfig(path, configSchema, 'Llama Scope');
  return openTensors(join(folder, FILES.tensors), [path], async (source) => {
    const { d_model: d_in, d_sae } = config;
    const bag = new TensorBag(source.name, 'Llama Scope', await storedTensors(source));
    if (config.hook_point_out !== undefined && config.hook_point_out !== config.hook_point_in) {
      throw bag.malformed(`a transcoder to ${config.hook_point_out}`, 'an SAE of one hook');
    }
    const scale = Math.sqrt(d_in) / config.dataset_average_activation_norm.in;
    const sae = {
      architecture: 'jumprelu',
      d_in,
      d_sae,
      apply_b_dec_to_input: false,
      normalisation: { kind: 'expected_average_only_in', scale },
      W_enc: bag.matrix('encoder.weight', [d_sae, d_in]).turned(),
      W_dec: bag.matrix('decoder.weight', [d_in, d_sae]).turned(),
      b_enc: await bag.take('encoder.bias', [d_sae]),
      b_dec: await bag.take('decoder.bias', [d_in]),
      threshold: new Float32Array(d_sae).fill(config.jump_relu_threshold * scale),
    } as const;
    bag.rest();
    return {
      format: 'llama-scope',
      sae: accepted(source.name, sae),
      details: { model_name: null, hook_name: config.hook_point_in },
      conversions: [
        'encoder.weight and decoder.weight turned',
        `threshold ${config.jump_relu_threshold} times √d/mean‖x‖ = ${scale}`,
      ],
    };
  });
}
