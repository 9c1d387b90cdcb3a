import { z } from 'zod';
import { shiftedRmsNorm } from '../blocks/norm.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { checkShares, decoderBlock, decoderEnds, decoderFields, readDecoder } from './decoder.ts';
import { type Family, size } from './family.ts';
import { scaledEmbedding } from './gemma2.ts';
import { configKeys, readConfig, unsupported } from './keys.ts';
import { readRotary, ropeFields } from './rope.ts';

export const gemmaKeys = configKeys('Gemma', {
  ...decoderFields({
    vocabulary: 256_000,
    width: 3072,
    inner: 24_576,
    blocks: 28,
    heads: 16,
    context: 8192,
    tied: true,
  }),
  ...ropeFields,
  num_key_value_heads: size.default(16),
  head_dim: size.default(256),
  pad_token_id: z.int().nullable().default(0),
  hidden_act: z.string().default('gelu_pytorch_tanh'),
  attention_bias: z.boolean().default(false),
  use_bidirectional_attention: z.boolean().nullish(),
});

/** Gemma: Llama's blocks with norms whose weights are stored as w − 1, and an embedding times √width. */
export function gemma(checkpoint: Checkpoint): Family {
  const config = readConfig(checkpoint, gemmaKeys);
  if (config.use_bidirectional_attention) {
    throw unsupported(checkpoint, 'use_bidirectional_attention', 'true', 'causal attention (false)');
  }
  checkShares(checkpoint, config.hidden_size, config.num_attention_heads);
  // The first files say gelu and mean its approximation.
  const activation = config.hidden_act === 'gelu' ? 'gelu_pytorch_tanh' : config.hidden_act;
  const decoder = readDecoder(checkpoint, config, activation, shiftedRmsNorm);
  const rotary = readRotary(checkpoint, config, decoder);
  const bias = config.attention_bias;
  return {
    name: 'gemma',
    ...scaledEmbedding(decoder, decoderEnds(decoder)),
    block: decoderBlock(decoder, { attention: () => ({ rotary, bias, outBias: bias }) }),
  };
}
