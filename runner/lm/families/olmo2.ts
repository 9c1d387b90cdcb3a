import { z } from 'zod';
import type { Checkpoint } from '../checkpoint.ts';
import { decoderBlock, decoderEnds, decoderFields, extraHeadSize, readDecoder } from './decoder.ts';
import { type Family, size } from './family.ts';
import { configKeys, readConfig } from './keys.ts';
import { readRotary, ropeFields } from './rope.ts';

/** Keys of OLMo 2 and 3, but for those on positions. */
export const olmoFields = {
  ...decoderFields({
    vocabulary: 50_304,
    width: 4096,
    inner: 11_008,
    blocks: 32,
    heads: 32,
    context: 2048,
    epsilon: 1e-5,
  }),
  ...extraHeadSize,
  pad_token_id: z.int().nullable().default(1),
  num_key_value_heads: size.nullish(),
  hidden_act: z.string().default('silu'),
  attention_bias: z.boolean().default(false),
};

export const olmo2Keys = configKeys('Olmo2', { ...olmoFields, ...ropeFields });

export const postNorms = {
  attention: { after: 'post_attention_layernorm' },
  mlp: { after: 'post_feedforward_layernorm' },
};

/** OLMo 2: norms after the parts instead of before, queries and keys normed over all heads together. */
export function olmo2(checkpoint: Checkpoint): Family {
  const config = readConfig(checkpoint, olmo2Keys);
  const decoder = readDecoder(checkpoint, config, config.hidden_act);
  const rotary = readRotary(checkpoint, config, decoder);
  const bias = config.attention_bias;
  return {
    name: 'olmo2',
    ...decoderEnds(decoder),
    block: decoderBlock(decoder, {
      norms: postNorms,
      attention: () => ({ rotary, norm: decoder.norm, bias, outBias: bias }),
    }),
  };
}
