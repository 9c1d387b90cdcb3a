import { z } from 'zod';
import type { Checkpoint } from '../checkpoint.ts';
import { checkShares, decoderBlock, decoderEnds, decoderFields, readDecoder } from './decoder.ts';
import { type Family, size } from './family.ts';
import { configKeys, readConfig } from './keys.ts';
import { readRotary, ropeFields } from './rope.ts';

export const llamaKeys = configKeys(
  'Llama',
  {
    ...decoderFields({
      vocabulary: 32_000,
      width: 4096,
      inner: 11_008,
      blocks: 32,
      heads: 32,
      context: 2048,
    }),
    ...ropeFields,
    num_key_value_heads: size.nullish(),
    head_dim: size.nullish(),
    hidden_act: z.string().default('silu'),
    attention_bias: z.boolean().default(false),
    mlp_bias: z.boolean().default(false),
  },
  { withoutEffect: { pretraining_tp: z.int().nullish(), attention_dropout: z.number().nullish() } },
);

/** Llama 1 to 3: pre-norm blocks, grouped-query attention, SwiGLU; the pattern the others vary. */
export function llama(checkpoint: Checkpoint): Family {
  const config = readConfig(checkpoint, llamaKeys);
  checkShares(checkpoint, config.hidden_size, config.num_attention_heads);
  const decoder = readDecoder(checkpoint, config, config.hidden_act);
  const rotary = readRotary(checkpoint, config, decoder);
  const bias = config.attention_bias;
  return {
    name: 'llama',
    ...decoderEnds(decoder),
    block: decoderBlock(decoder, {
      attention: () => ({ rotary, bias, outBias: bias }),
      mlp: { bias: config.mlp_bias },
    }),
  };
}
