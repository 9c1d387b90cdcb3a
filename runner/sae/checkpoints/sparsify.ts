/**
 * sparsify (EleutherAI): one folder per hook with `cfg.json` and `sae.safetensors`; encoder.weight [d_sae, d_in], W_dec
 * [d_sae, d_in]. Transcoders (`transcode`) do not subtract b_dec; `skip_connection` adds x·W_skipᵀ.
 */
import { basename, join } from 'node:path';
import { z } from 'zod';
import type { SaeAdapter } from './adapter.ts';
import { accepted, openTensors, readConfig, type SaeFile, size, storedTensors, TensorBag } from './loaded.ts';

const FILES = { config: 'cfg.json', tensors: 'sae.safetensors' } as const;

const configSchema = z.strictObject({
  activation: z.enum(['topk', 'groupmax']).default('topk'),
  d_in: size,
  expansion_factor: z.int().nonnegative().optional(),
  num_latents: z.int().nonnegative().optional(),
  k: size,
  /** Signed latents (early versions) are not the architecture read here. */
  signed: z.literal(false).optional(),
  skip_connection: z.boolean().default(false),
  transcode: z.boolean().default(false),
  /** Only how training started. */
  normalize_decoder: z.boolean().optional(),
  /** Only a term of the training loss. */
  multi_topk: z.boolean().optional(),
});

export const sparsify: SaeAdapter = {
  format: 'sparsify',
  mark: {
    folder: (names) => names.includes(FILES.config) && names.includes(FILES.tensors),
    tensor: { file: FILES.tensors, name: 'encoder.weight' },
  },
  files: /^(?:cfg\.json|sae\.safetensors)$/,
  tensors: /^sae\.safetensors$/,
  loaders: ['sparsify'],
  takes: [],
  open: openSparsify,
};

/** @throws UnavailableError @throws MalformedError */
async function openSparsify(folder: string): Promise<SaeFile> {
  const path = join(folder, FILES.config);
  const config = await readConfig(path, configSchema, 'sparsify');
  return openTensors(join(folder, FILES.tensors), [path], async (source) => {
    const bag = new TensorBag(source.name, 'sparsify', await storedTensors(source));
    const { d_in, k, transcode } = config;
    const encoder = bag.matrix('encoder.weight', [-1, d_in]);
    const d_sae = encoder.rows;
    const declared = config.num_latents || d_in * (config.expansion_factor ?? 0);
    if (declared !== d_sae || k > d_sae) {
      throw bag.malformed(
        `${d_sae} latents, k ${k}`,
        `${declared} latents, as the config says, and k within them`,
      );
    }
    if (config.activation === 'groupmax' && d_sae % k !== 0)
      throw bag.malformed(`${d_sae} latents in ${k} groups`, 'as many in each');
    const selection =
      config.activation === 'topk'
        ? ({ architecture: 'topk', rescale_acts_by_decoder_norm: false } as const)
        : ({ architecture: 'groupmax' } as const);
    const sae = {
      ...selection,
      d_in,
      d_sae,
      k,
      normalisation: { kind: 'none' },
      apply_b_dec_to_input: !transcode,
      W_enc: encoder.turned(),
      W_dec: bag.matrix('W_dec', [d_sae, d_in]),
      b_enc: await bag.take('encoder.bias', [d_sae]),
      b_dec: await bag.take('b_dec', [d_in]),
      ...(transcode ? { d_out: d_in } : {}),
      ...(config.skip_connection ? { W_skip: await bag.take('W_skip', [d_in, d_in]) } : {}),
    } as const;
    bag.rest();
    return {
      format: 'sparsify',
      sae: accepted(source.name, sae),
      details: { model_name: null, ...hooksOf(basename(folder), transcode) },
      conversions: ['encoder.weight turned'],
    };
  });
}

/** The folder is called as the module that the SAE hooks: its output, or of a transcoder both its ends. */
function hooksOf(module: string, transcode: boolean): { hook_name: string; hook_name_out?: string } {
  return transcode
    ? { hook_name: `${module}.input`, hook_name_out: `${module}.output` }
    : { hook_name: module };
}
