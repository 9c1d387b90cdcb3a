import { z } from 'zod';
import { headNorm } from '../blocks/norm.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { decoderBlock, decoderEnds, decoderFields, readDecoder } from './decoder.ts';
import { type Family, size } from './family.ts';
import { configKeys, readConfig } from './keys.ts';
import { qwenSizes, qwenWindowFields, qwenWindows } from './qwen2.ts';
import { readRotary, ropeFields } from './rope.ts';

export const qwen3Keys = configKeys('Qwen3', {
  ...decoderFields(qwenSizes),
  ...ropeFields,
  ...qwenWindowFields,
  num_key_value_heads: size.nullable().default(32),
  head_dim: size.default(128),
  hidden_act: z.string().default('silu'),
  attention_bias: z.boolean().default(false),
});

/** Qwen3 (dense): Llama with normed queries and keys. */
export function qwen3(checkpoint: Checkpoint): Family {
  const config = readConfig(checkpoint, qwen3Keys);
  const decoder = readDecoder(checkpoint, config, config.hidden_act);
  const rotary = readRotary(checkpoint, config, decoder);
  const windows = qwenWindows(checkpoint, config, decoder);
  const norm = headNorm(decoder.norm, decoder.headSize);
  const bias = config.attention_bias;
  return {
    name: 'qwen3',
    ...decoderEnds(decoder),
    block: decoderBlock(decoder, {
      attention: (index) => ({ rotary, norm, bias, outBias: bias, window: windows[index] }),
    }),
  };
}
