import { z } from 'zod';
import type { Checkpoint } from '../checkpoint.ts';
import {
  type Decoder,
  decoderBlock,
  decoderEnds,
  decoderFields,
  extraHeadSize,
  readDecoder,
  readWindows,
} from './decoder.ts';
import { type Family, size } from './family.ts';
import { configKeys, readConfig } from './keys.ts';
import { readRotary, ropeFields } from './rope.ts';

/** Fields that say which blocks of a Qwen model look at a window: those from `max_window_layers` on. */
export const qwenWindowFields = {
  use_sliding_window: z.boolean().default(false),
  // Of any value where it is not used.
  sliding_window: z.int().nullable().default(4096),
  max_window_layers: z.int().nonnegative().default(28),
  layer_types: z.array(z.string()).nullish(),
};

/** Sizes that Qwen2's and Qwen3's classes have where a config does not say. */
export const qwenSizes = {
  vocabulary: 151_936,
  width: 4096,
  inner: 22_016,
  blocks: 32,
  heads: 32,
  context: 32_768,
};

export const qwen2Keys = configKeys('Qwen2', {
  ...decoderFields(qwenSizes),
  ...ropeFields,
  ...qwenWindowFields,
  ...extraHeadSize,
  num_key_value_heads: size.nullable().default(32),
  hidden_act: z.string().default('silu'),
});

/** Qwen2 and Qwen2.5: Llama with biases on queries, keys and values. */
export function qwen2(checkpoint: Checkpoint): Family {
  const config = readConfig(checkpoint, qwen2Keys);
  const decoder = readDecoder(checkpoint, config, config.hidden_act);
  const rotary = readRotary(checkpoint, config, decoder);
  const windows = qwenWindows(checkpoint, config, decoder);
  return {
    name: 'qwen2',
    ...decoderEnds(decoder),
    block: decoderBlock(decoder, { attention: (index) => ({ rotary, bias: true, window: windows[index] }) }),
  };
}

export function qwenWindows(
  checkpoint: Checkpoint,
  config: z.infer<z.ZodObject<typeof qwenWindowFields>>,
  decoder: Decoder,
): (number | undefined)[] {
  const window = config.use_sliding_window ? config.sliding_window : undefined;
  return readWindows(
    checkpoint,
    { count: decoder.blocks, types: config.layer_types, window },
    (index) => window != null && index >= config.max_window_layers,
  );
}
