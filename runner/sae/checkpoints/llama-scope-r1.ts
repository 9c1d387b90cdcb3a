/**
 * Llama Scope R1-Distill (OpenMOSS's later layout): `config.json` and `sae_weights.safetensors`; encoder.weight [d_sae, d_in],
 * decoder.weight [d_in, d_sae], log_jumprelu_threshold [d_sae], of scaled activations. The scalar x is scaled by is not
 * among its files: SAELens' registry has it.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { MalformedError } from '../../errors.ts';
import type { LoadOptions, SaeAdapter } from './adapter.ts';
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

const FILES = { config: 'config.json', tensors: 'sae_weights.safetensors' } as const;

/** The published files hold many settings of the run; what is read of them is checked, and those that would change it. */
const configSchema = z.looseObject({
  d_model: size,
  expansion_factor: z.number().positive().max(100_000),
  hook_point_in: shortText,
  hook_point_out: shortText.optional(),
  act_fn: z.literal('jumprelu').optional(),
  norm_activation: z.literal('dataset-wise').optional(),
  use_decoder_bias: z.literal(true).optional(),
  apply_decoder_bias_to_pre_encoder: z.literal(false).optional(),
  use_glu_encoder: z.literal(false).optional(),
  sae_type: z.literal('sae').optional(),
});

export const llamaScopeR1: SaeAdapter = {
  format: 'llama-scope-r1',
  mark: {
    folder: (names) =>
      names.includes(FILES.tensors) && names.includes(FILES.config) && !names.includes('cfg.json'),
    tensor: { file: FILES.tensors, name: 'log_jumprelu_threshold' },
  },
  files: /^(?:config\.json|sae_weights\.safetensors)$/,
  tensors: /^sae_weights\.safetensors$/,
  loaders: ['llama_scope_r1_distill'],
  takes: ['normScale'],
  open: openLlamaScopeR1,
};

/** @throws UnavailableError @throws MalformedError, also without `normScale` */
async function openLlamaScopeR1(
  folder: string,
  { normScale }: Pick<LoadOptions, 'normScale'>,
): Promise<SaeFile> {
  const path = join(folder, FILES.config);
  const { d_model: d_in, ...config } = await readConfig(path, configSchema, 'Llama Scope R1-Distill');
  if (normScale === undefined) {
    throw new MalformedError({
      thing: path,
      found: 'no scalar that activations are scaled by',
      expected: 'the scalar √d/mean‖x‖',
      next: 'Take the SAE by its registry name, or give the scalar after its name: #normScale=…',
    });
  }
  return openTensors(join(folder, FILES.tensors), [path], async (source) => {
    const d_sae = d_in * config.expansion_factor;
    const bag = new TensorBag(source.name, 'Llama Scope R1-Distill', await storedTensors(source));
    if (config.hook_point_out !== undefined && config.hook_point_out !== config.hook_point_in)
      throw bag.malformed(`a transcoder to ${config.hook_point_out}`, 'an SAE of one hook');
    const thresholds = await bag.take('log_jumprelu_threshold', [d_sae]);
    const sae = {
      architecture: 'jumprelu',
      d_in,
      d_sae,
      apply_b_dec_to_input: false,
      normalisation: { kind: 'expected_average_only_in', scale: normScale },
      W_enc: bag.matrix('encoder.weight', [d_sae, d_in]).turned(),
      W_dec: bag.matrix('decoder.weight', [d_in, d_sae]).turned(),
      b_enc: await bag.take('encoder.bias', [d_sae]),
      b_dec: await bag.take('decoder.bias', [d_in]),
      threshold: thresholds.map(Math.exp),
    } as const;
    bag.rest();
    return {
      format: 'llama-scope-r1',
      sae: accepted(source.name, sae),
      details: { model_name: null, hook_name: config.hook_point_in },
      conversions: [
        'encoder.weight and decoder.weight turned',
        'threshold the exponential of log_jumprelu_threshold',
      ],
    };
  });
}
