import { z } from 'zod';
import type { Checkpoint } from '../checkpoint.ts';
import { decoderBlock, decoderEnds, decoderFields, readDecoder } from './decoder.ts';
import { type Family, size } from './family.ts';
import { configKeys, readConfig } from './keys.ts';
import { readRotary, ropeFields } from './rope.ts';

const mistralSizes = {
  vocabulary: 32_000,
  width: 4096,
  inner: 14_336,
  blocks: 32,
  heads: 32,
  context: 131_072,
};

export const mistralKeys = configKeys('Mistral', {
  ...decoderFields(mistralSizes),
  ...ropeFields,
  num_key_value_heads: size.default(8),
  head_dim: size.nullish(),
  hidden_act: z.string().default('silu'),
  // Null is no window; a config without the key means this one.
  sliding_window: size.nullable().default(4096),
});

/** Mistral: Llama with every block looking at a sliding window. */
export function mistral(checkpoint: Checkpoint): Family {
  const config = readConfig(checkpoint, mistralKeys);
  const decoder = readDecoder(checkpoint, config, config.hidden_act);
  const rotary = readRotary(checkpoint, config, decoder);
  const window = config.sliding_window ?? undefined;
  return {
    name: 'mistral',
    ...decoderEnds(decoder),
    block: decoderBlock(decoder, { attention: () => ({ rotary, window }) }),
  };
}
