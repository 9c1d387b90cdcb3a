import { z } from 'zod';
import { scaledHead } from '../blocks/head.ts';
import type { Checkpoint } from '../checkpoint.ts';
import {
  decoderBlock,
  decoderEnds,
  decoderFields,
  extraHeadSize,
  readDecoder,
  timesFactor,
} from './decoder.ts';
import { type Family, size } from './family.ts';
import { configKeys, readConfig } from './keys.ts';
import { readRotary, ropeFields } from './rope.ts';

const factor = z.number().default(1);

export const graniteKeys = configKeys('Granite', {
  ...decoderFields({
    vocabulary: 32_000,
    width: 4096,
    inner: 11_008,
    blocks: 32,
    heads: 32,
    context: 2048,
  }),
  ...ropeFields,
  ...extraHeadSize,
  num_key_value_heads: size.nullish(),
  hidden_act: z.string().default('silu'),
  attention_bias: z.boolean().default(false),
  mlp_bias: z.boolean().default(false),
  embedding_multiplier: factor,
  residual_multiplier: factor,
  attention_multiplier: factor,
  logits_scaling: factor,
});

/** Granite 3: Llama with factors of its own for embeddings, scores, what blocks add, and logits. */
export function granite(checkpoint: Checkpoint): Family {
  const config = readConfig(checkpoint, graniteKeys);
  const decoder = readDecoder(checkpoint, config, config.hidden_act);
  const rotary = readRotary(checkpoint, config, decoder);
  const bias = config.attention_bias;
  const ends = decoderEnds(decoder);
  return {
    name: 'granite',
    ...ends,
    ...scaledHead(ends, 1 / config.logits_scaling),
    embed: timesFactor(ends.embed, config.embedding_multiplier),
    block: decoderBlock(decoder, {
      attention: () => ({ rotary, bias, outBias: bias, scale: config.attention_multiplier }),
      mlp: { bias: config.mlp_bias },
      gain: config.residual_multiplier,
    }),
  };
}
