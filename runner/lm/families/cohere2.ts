import { z } from 'zod';
import { scaledHead } from '../blocks/head.ts';
import { weightedLayerNorm } from '../blocks/norm.ts';
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
import { configKeys, readConfig } from './keys.ts';
import { readRotary, ropeFields } from './rope.ts';

const { rms_norm_eps: _, ...fields } = decoderFields({
  vocabulary: 256_000,
  width: 8192,
  inner: 22_528,
  blocks: 40,
  heads: 64,
  context: 8192,
  tied: true,
});

export const cohere2Keys = configKeys('Cohere2', {
  ...fields,
  ...ropeFields,
  ...extraHeadSize,
  pad_token_id: z.int().nullable().default(0),
  num_key_value_heads: size.nullish(),
  hidden_act: z.string().default('silu'),
  layer_norm_eps: z.number().nonnegative().default(1e-5),
  logit_scale: z.number().default(0.0625),
  attention_bias: z.boolean().default(false),
  sliding_window: z.int().nullable().default(4096),
  sliding_window_pattern: size.default(4),
  layer_types: z.array(z.string()).nullish(),
});

/** Command R7B, Aya, Command A: attention and MLP side by side, positions in the layers with a window alone. */
export function cohere2(checkpoint: Checkpoint): Family {
  const read = readConfig(checkpoint, cohere2Keys);
  const config = { ...read, rms_norm_eps: read.layer_norm_eps };
  const decoder = readDecoder(checkpoint, config, config.hidden_act, weightedLayerNorm);
  const rotary = { ...readRotary(checkpoint, config, decoder), interleaved: true };
  const windows = readWindows(
    checkpoint,
    { count: decoder.blocks, types: config.layer_types, window: config.sliding_window },
    (index) => (index + 1) % config.sliding_window_pattern !== 0,
  );
  const bias = config.attention_bias;
  const ends = decoderEnds(decoder);
  const before = { before: 'input_layernorm' };
  return {
    name: 'cohere2',
    ...ends,
    ...scaledHead(ends, config.logit_scale),
    block: decoderBlock(decoder, {
      parallel: true,
      norms: { attention: before, mlp: before },
      attention: (index) => ({
        ...(windows[index] !== undefined && { rotary }),
        bias,
        outBias: bias,
        window: windows[index],
      }),
    }),
  };
}
