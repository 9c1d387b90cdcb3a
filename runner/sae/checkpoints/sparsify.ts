/**
 * sparsify (EleutherAI): one folder a hook with `cfg.json` and `sae.safetensors`; encoder.weight [d_sae, d_in], W_dec
 * [d_sae, d_in]. Transcoders (`transcode`) do not subtract b_dec; `skip_connection` adds x·W_skipᵀ.
 */
import { basename, join } from 'node:path';
import { z } from 'zod';
import { withFile } from '../../io/byte-source.ts';
import { topKSae } from '../sae.ts';
import {
  accepted,
  type LoadedSae,
  readAllFloats,
  readConfig,
  size,
  TensorBag,
  transposed,
} from './loaded.ts';

export const sparsifyFiles = { config: 'cfg.json', tensors: 'sae.safetensors' } as const;

const configSchema = z.strictObject({
  /** groupmax keeps the largest of each of k groups: another architecture. */
  activation: z.literal('topk').default('topk'),
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

/** @throws UnavailableError @throws MalformedError */
export async function readSparsify(folder: string): Promise<LoadedSae> {
  const path = join(folder, sparsifyFiles.config);
  const config = await readConfig(path, configSchema, 'sparsify');
  return withFile(join(folder, sparsifyFiles.tensors), async (source) => {
    const bag = new TensorBag(source.name, 'sparsify', await readAllFloats(source));
    const { d_in, k, transcode } = config;
    const encoder = bag.shaped('encoder.weight', [-1, d_in]);
    const d_sae = encoder.shape[0]!;
    const declared = config.num_latents || d_in * (config.expansion_factor ?? 0);
    if (declared !== d_sae || k > d_sae) {
      throw bag.malformed(
        `${d_sae} latents, k ${k}`,
        `${declared} latents, as the config says, and k within them`,
      );
    }
    const sae = topKSae({
      d_in,
      d_sae,
      k,
      apply_b_dec_to_input: !transcode,
      W_enc: transposed(encoder.data, d_sae, d_in),
      W_dec: bag.take('W_dec', [d_sae, d_in]),
      b_enc: bag.take('encoder.bias', [d_sae]),
      b_dec: bag.take('b_dec', [d_in]),
      ...(transcode ? { d_out: d_in } : {}),
      ...(config.skip_connection ? { W_skip: bag.take('W_skip', [d_in, d_in]) } : {}),
    });
    bag.rest();
    return {
      format: 'sparsify',
      sae: accepted(source.name, sae),
      details: { model_name: null, hook_name: basename(folder) },
      conversions: ['encoder.weight turned'],
    };
  });
}
