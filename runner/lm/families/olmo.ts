import { z } from 'zod';
import { bareLayerNorm } from '../blocks/norm.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { decoderBlock, decoderEnds, decoderFields, extraHeadSize, readDecoder } from './decoder.ts';
import { type Family, size } from './family.ts';
import { configKeys, readConfig } from './keys.ts';
import { readRotary, ropeFields } from './rope.ts';

/** The class has no key for it. */
const EPSILON = 1e-5;

const { rms_norm_eps: _, ...fields } = decoderFields({
  vocabulary: 50_304,
  width: 4096,
  inner: 11_008,
  blocks: 32,
  heads: 32,
  context: 2048,
});

export const olmoKeys = configKeys('Olmo', {
  ...fields,
  ...extraHeadSize,
  ...ropeFields,
  pad_token_id: z.int().nullable().default(1),
  num_key_value_heads: size.nullish(),
  hidden_act: z.string().default('silu'),
  attention_bias: z.boolean().default(false),
  clip_qkv: z.number().nonnegative().nullish(),
});

/** OLMo: Llama with layer norms that have no parameters, and queries, keys and values kept within bounds. */
export function olmo(checkpoint: Checkpoint): Family {
  const config = { ...readConfig(checkpoint, olmoKeys), rms_norm_eps: EPSILON };
  const decoder = readDecoder(checkpoint, config, config.hidden_act, bareLayerNorm);
  const rotary = readRotary(checkpoint, config, decoder);
  const bias = config.attention_bias;
  const clip = config.clip_qkv ?? undefined;
  return {
    name: 'olmo',
    ...decoderEnds(decoder),
    block: decoderBlock(decoder, { attention: () => ({ rotary, bias, outBias: bias, clip }) }),
  };
}
