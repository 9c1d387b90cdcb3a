import { z } from 'zod';
import { shiftedRmsNorm } from '../blocks/norm.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { decoderFields, readDecoder } from './decoder.ts';
import { type Family, size } from './family.ts';
import { configKeys, readConfig, unsupported } from './keys.ts';
import { routerUnused, sparseFields, sparseMlp } from './qwen2-moe.ts';
import { hybrid, hybridFields } from './qwen3-5.ts';

export const qwen3NextKeys = configKeys(
  'Qwen3Next',
  {
    ...decoderFields({
      vocabulary: 151_936,
      width: 2048,
      inner: 5632,
      blocks: 48,
      heads: 16,
      context: 32_768,
    }),
    ...hybridFields,
    ...sparseFields,
    num_key_value_heads: size.default(2),
    moe_intermediate_size: size.default(512),
    shared_expert_intermediate_size: size.default(512),
    num_experts_per_tok: size.default(10),
    num_experts: size.default(512),
    norm_topk_prob: z.boolean().default(true),
  },
  { withoutEffect: routerUnused },
);

/** Qwen3-Next: gated delta nets, every fourth block attention with an output gate, and experts with one for every token. */
export function qwen3Next(checkpoint: Checkpoint): Family {
  const config = readConfig(checkpoint, qwen3NextKeys);
  const { linear_num_key_heads: keys, linear_num_value_heads: values } = config;
  if (values % keys !== 0) {
    throw unsupported(checkpoint, 'linear_num_value_heads', `${values} for ${keys} of keys`, 'a multiple');
  }
  const decoder = readDecoder(checkpoint, config, config.hidden_act, shiftedRmsNorm);
  const mlp = sparseMlp(checkpoint, config, decoder);
  return { name: 'qwen3_next', ...hybrid(checkpoint, config, decoder, mlp, true) };
}
