import { z } from 'zod';
import type { Checkpoint } from '../checkpoint.ts';
import { decoderBlock, decoderEnds, decoderFields, readDecoder } from './decoder.ts';
import { type Family, size } from './family.ts';
import { configKeys, readConfig } from './keys.ts';
import { partialRopeFields, readRotary } from './rope.ts';

export const glm4Keys = configKeys('Glm4', {
  ...decoderFields({
    vocabulary: 151_552,
    width: 4096,
    inner: 13_696,
    blocks: 40,
    heads: 32,
    context: 131_072,
    epsilon: 1.5625e-7,
  }),
  ...partialRopeFields,
  pad_token_id: z.int().nullable().default(151_329),
  num_key_value_heads: size.default(2),
  head_dim: size.default(128),
  hidden_act: z.string().default('silu'),
  attention_bias: z.boolean().default(true),
});

const norms = {
  attention: { before: 'input_layernorm', after: 'post_self_attn_layernorm' },
  mlp: { before: 'post_attention_layernorm', after: 'post_mlp_layernorm' },
};

/** GLM-4 (0414): norms around each part, and neighbours in the first half of each head turned together. */
export function glm4(checkpoint: Checkpoint): Family {
  const config = readConfig(checkpoint, glm4Keys);
  const decoder = readDecoder(checkpoint, config, config.hidden_act);
  const turned = readRotary(checkpoint, config, decoder, { partial: config.partial_rotary_factor ?? 0.5 });
  const rotary = { ...turned, interleaved: true };
  return {
    name: 'glm4',
    ...decoderEnds(decoder),
    block: decoderBlock(decoder, {
      norms,
      attention: () => ({ rotary, bias: config.attention_bias }),
      mlp: { fused: true },
    }),
  };
}
