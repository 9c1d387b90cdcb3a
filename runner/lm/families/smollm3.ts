import { z } from 'zod';
import type { Checkpoint } from '../checkpoint.ts';
import {
  decoderBlock,
  decoderEnds,
  decoderFields,
  extraHeadSize,
  readDecoder,
  readWindows,
} from './decoder.ts';
import { type Family, size } from './family.ts';
import { configKeys, readConfig, unsupported } from './keys.ts';
import { readRotary, ropeFields } from './rope.ts';

export const smollm3Keys = configKeys('SmolLM3', {
  ...decoderFields({
    vocabulary: 128_256,
    width: 2048,
    inner: 11_008,
    blocks: 36,
    heads: 16,
    context: 32_768,
    tied: true,
  }),
  ...ropeFields,
  ...extraHeadSize,
  pad_token_id: z.int().nullable().default(128_004),
  num_key_value_heads: size.nullable().default(4),
  hidden_act: z.string().default('silu'),
  attention_bias: z.boolean().default(false),
  mlp_bias: z.boolean().default(false),
  use_sliding_window: z.boolean().default(false),
  sliding_window: z.int().nullish(),
  layer_types: z.array(z.string()).nullish(),
  no_rope_layers: z.array(z.int()).nullish(),
  no_rope_layer_interval: size.default(4),
});

/** SmolLM3: Llama whose every fourth layer does not know positions. */
export function smollm3(checkpoint: Checkpoint): Family {
  const config = readConfig(checkpoint, smollm3Keys);
  const decoder = readDecoder(checkpoint, config, config.hidden_act);
  const rotary = readRotary(checkpoint, config, decoder, { theta: 2_000_000 });
  const { blocks } = decoder;
  // Those with a 0 have no positions, whatever the name says.
  const given = config.no_rope_layers;
  if (given != null && given.length < blocks) {
    throw unsupported(checkpoint, 'no_rope_layers', `${given.length} entries`, `${blocks} at least`);
  }
  const turns = (index: number): boolean =>
    given == null ? (index + 1) % config.no_rope_layer_interval !== 0 : given[index] !== 0;
  const window = (config.use_sliding_window ? config.sliding_window : null) ?? null;
  const windows = readWindows(
    checkpoint,
    { count: blocks, types: config.layer_types, window: config.sliding_window },
    (index) => window !== null && !turns(index),
  );
  const bias = config.attention_bias;
  return {
    name: 'smollm3',
    ...decoderEnds(decoder),
    block: decoderBlock(decoder, {
      attention: (index) => ({
        ...(turns(index) && { rotary }),
        bias,
        outBias: bias,
        window: windows[index],
      }),
      mlp: { bias: config.mlp_bias },
    }),
  };
}
