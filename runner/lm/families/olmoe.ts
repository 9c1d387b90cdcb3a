import { z } from 'zod';
import { experts } from '../blocks/experts.ts';
import { gatedMlp } from '../blocks/mlp.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { checkExperts, decoderBlock, decoderEnds, readDecoder } from './decoder.ts';
import { type Family, size } from './family.ts';
import { configKeys, readConfig } from './keys.ts';
import { olmoFields } from './olmo2.ts';
import { readRotary, ropeFields } from './rope.ts';

export const olmoeKeys = configKeys(
  'Olmoe',
  {
    ...olmoFields,
    ...ropeFields,
    hidden_size: size.default(2048),
    intermediate_size: size.default(2048),
    num_hidden_layers: size.default(16),
    num_attention_heads: size.default(16),
    max_position_embeddings: size.default(4096),
    clip_qkv: z.number().nullish(),
    num_experts_per_tok: size.default(8),
    num_experts: size.default(64),
    norm_topk_prob: z.boolean().default(false),
  },
  {
    withoutEffect: {
      output_router_logits: z.boolean().optional(),
      router_aux_loss_coef: z.number().optional(),
    },
    aliases: { num_local_experts: 'num_experts' },
  },
);

/** OLMoE: experts for every MLP, and queries and keys normed over all heads together. */
export function olmoe(checkpoint: Checkpoint): Family {
  const config = readConfig(checkpoint, olmoeKeys);
  const decoder = readDecoder(checkpoint, config, config.hidden_act);
  const { width, inner, activation, norm } = decoder;
  const rotary = readRotary(checkpoint, config, decoder);
  const bias = config.attention_bias;
  checkExperts(checkpoint, config.num_experts_per_tok, config.num_experts);
  return {
    name: 'olmoe',
    ...decoderEnds(decoder),
    block: decoderBlock(decoder, {
      attention: () => ({ rotary, norm, bias, outBias: bias, clip: config.clip_qkv ?? undefined }),
      mlp: (build, x, at) =>
        experts(build, x, {
          width,
          count: config.num_experts,
          chosen: config.num_experts_per_tok,
          router: `${at}.mlp.gate`,
          normalise: config.norm_topk_prob,
          expert: (rows, index) =>
            gatedMlp(build, rows, `${at}.mlp.experts.${index}`, { width, inner, activation }),
        }),
    }),
  };
}
