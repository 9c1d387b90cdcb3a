import { z } from 'zod';
import { headNorm } from '../blocks/norm.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { decoderBlock, decoderEnds, decoderFields, extraHeadSize, readDecoder } from './decoder.ts';
import { type Family, size } from './family.ts';
import { groupedExperts, ratedChoice, ratedFields } from './grouped-experts.ts';
import { configKeys, readConfig } from './keys.ts';
import { routerUnused } from './qwen2-moe.ts';
import { partialRopeFields, readRotary } from './rope.ts';

export const glm4MoeKeys = configKeys(
  'Glm4Moe',
  {
    ...decoderFields({
      vocabulary: 151_552,
      width: 4096,
      inner: 10_944,
      blocks: 46,
      heads: 96,
      context: 131_072,
      epsilon: 1e-5,
    }),
    ...partialRopeFields,
    ...extraHeadSize,
    ...ratedFields,
    num_key_value_heads: size.default(8),
    hidden_act: z.string().default('silu'),
    attention_bias: z.boolean().default(false),
    use_qk_norm: z.boolean().default(false),
    first_k_dense_replace: z.int().default(1),
    n_routed_experts: size.default(128),
    moe_intermediate_size: size.default(1408),
    routed_scaling_factor: z.number().default(1),
    norm_topk_prob: z.boolean().default(true),
    n_group: size.default(1),
    topk_group: size.default(1),
  },
  {
    withoutEffect: {
      ...routerUnused,
      num_mtp_layers: z.int().optional(),
      num_nextn_predict_layers: z.int().optional(),
    },
    aliases: { num_local_experts: 'n_routed_experts' },
  },
);

/** GLM-4.5 to 4.7: DeepSeek-V3's experts, attention with grouped keys of which half turns. */
export function glm4Moe(checkpoint: Checkpoint): Family {
  const config = readConfig(checkpoint, glm4MoeKeys);
  const decoder = readDecoder(checkpoint, config, config.hidden_act);
  const rotary = readRotary(checkpoint, config, decoder, { partial: config.partial_rotary_factor ?? 0.5 });
  const norm = headNorm(decoder.norm, decoder.headSize);
  return {
    name: 'glm4_moe',
    ...decoderEnds(decoder),
    block: decoderBlock(decoder, {
      attention: () => ({ rotary, bias: config.attention_bias, ...(config.use_qk_norm && { norm }) }),
      mlp: groupedExperts(checkpoint, config, decoder, ratedChoice(config)),
    }),
  };
}
