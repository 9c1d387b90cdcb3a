import { z } from 'zod';
import type { Checkpoint } from '../checkpoint.ts';
import { decoderBlock, decoderEnds, decoderFields, readDecoder } from './decoder.ts';
import { type Family, readConfig } from './family.ts';
import { readRotary } from './rope.ts';

const configSchema = z.object({
  ...decoderFields,
  hidden_act: z.string().default('silu'),
  attention_bias: z.boolean().default(false),
});

const postNorms = {
  attention: { after: 'post_attention_layernorm' },
  mlp: { after: 'post_feedforward_layernorm' },
};

/** OLMo 2: norms after the parts instead of before, queries and keys normed over all heads together. */
export function olmo2(checkpoint: Checkpoint): Family {
  const config = readConfig(checkpoint, configSchema);
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
