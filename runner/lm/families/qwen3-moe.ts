import { z } from 'zod';
import { headNorm } from '../blocks/norm.ts';
import type { Checkpoint } from '../checkpoint.ts';
import {
  checkWindow,
  decoderBlock,
  decoderEnds,
  decoderFields,
  extraHeadSize,
  readDecoder,
} from './decoder.ts';
import { type Family, size } from './family.ts';
import { configKeys, readConfig } from './keys.ts';
import { routerUnused, sparseFields, sparseMlp } from './qwen2-moe.ts';
import { readRotary, ropeFields } from './rope.ts';

export const qwen3MoeKeys = configKeys(
  'Qwen3Moe',
  {
    ...decoderFields({
      vocabulary: 151_936,
      width: 2048,
      inner: 6144,
      blocks: 24,
      heads: 32,
      context: 32_768,
    }),
    ...ropeFields,
    ...extraHeadSize,
    num_key_value_heads: size.default(4),
    hidden_act: z.string().default('silu'),
    attention_bias: z.boolean().default(false),
    use_sliding_window: z.boolean().default(false),
    sliding_window: z.int().nullable().default(4096),
    ...sparseFields,
    moe_intermediate_size: size.default(768),
    num_experts: size.default(128),
    num_experts_per_tok: size.default(8),
  },
  {
    withoutEffect: routerUnused,
    aliases: { num_local_experts: 'num_experts' },
  },
);

/** Qwen3 with a mixture of experts for the MLP of most blocks. */
export function qwen3Moe(checkpoint: Checkpoint): Family {
  const config = readConfig(checkpoint, qwen3MoeKeys);
  const decoder = readDecoder(checkpoint, config, config.hidden_act);
  const rotary = readRotary(checkpoint, config, decoder);
  const norm = headNorm(decoder.norm, decoder.headSize);
  const bias = config.attention_bias;
  // Unlike the dense models, a window is one for all blocks.
  const window = (config.use_sliding_window ? config.sliding_window : undefined) ?? undefined;
  checkWindow(checkpoint, window);
  return {
    name: 'qwen3_moe',
    ...decoderEnds(decoder),
    block: decoderBlock(decoder, {
      attention: () => ({ rotary, norm, bias, outBias: bias, window }),
      mlp: sparseMlp(checkpoint, config, decoder),
    }),
  };
}
