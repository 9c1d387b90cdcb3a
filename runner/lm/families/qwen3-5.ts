import { z } from 'zod';
import { gatedDelta } from '../blocks/gated-delta.ts';
import { headNorm, rmsNorm, shiftedRmsNorm } from '../blocks/norm.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { decoderBlock, decoderEnds, decoderFields, readDecoder } from './decoder.ts';
import { type Family, readConfig, size, textPart, unsupported } from './family.ts';
import { readRotary } from './rope.ts';

const configSchema = z.object({
  ...decoderFields,
  head_dim: size.default(256),
  rms_norm_eps: z.number().positive().default(1e-6),
  hidden_act: z.string().default('silu'),
  attention_bias: z.boolean().default(false),
  attn_output_gate: z.boolean().default(true),
  layer_types: z.array(z.enum(['linear_attention', 'full_attention'])).nullish(),
  full_attention_interval: size.default(4),
  linear_conv_kernel_dim: size.default(4),
  linear_key_head_dim: size.default(128),
  linear_value_head_dim: size.default(128),
  linear_num_key_heads: size.default(16),
  linear_num_value_heads: size.default(32),
});

/**
 * Qwen3.5 and Qwen3.6 (text): gated delta nets, and every fourth block attention with an output gate.
 * Images turn by three positions a token, text by one three times over, so that plain rotary positions do.
 */
export function qwen35(checkpoint: Checkpoint): Family {
  const text = textPart(checkpoint);
  const config = readConfig(text, configSchema);
  if (!config.attn_output_gate || config.hidden_act !== 'silu') {
    const found = `attn_output_gate ${config.attn_output_gate}, hidden_act ${config.hidden_act}`;
    throw unsupported(text, 'attn_output_gate, hidden_act', found, 'true and silu');
  }
  const decoder = readDecoder(text, config, config.hidden_act, shiftedRmsNorm);
  const { blocks, width } = decoder;
  const types =
    config.layer_types ??
    Array.from({ length: blocks }, (_, i) =>
      (i + 1) % config.full_attention_interval === 0 ? 'full_attention' : 'linear_attention',
    );
  if (types.length !== blocks) throw unsupported(text, 'layer_types', `${types.length} entries`, `${blocks}`);
  const rotary = readRotary(text, config, decoder, { partial: 0.25 });
  const norm = headNorm(decoder.norm, decoder.headSize);
  const bias = config.attention_bias;
  const delta = {
    width,
    keyHeads: config.linear_num_key_heads,
    valueHeads: config.linear_num_value_heads,
    keySize: config.linear_key_head_dim,
    valueSize: config.linear_value_head_dim,
    kernel: config.linear_conv_kernel_dim,
    norm: rmsNorm(config.rms_norm_eps),
  };
  return {
    name: 'qwen3_5',
    ...decoderEnds(decoder),
    block: decoderBlock(decoder, {
      attention: (index) =>
        types[index] === 'linear_attention'
          ? (build, x, at) => gatedDelta(build, x, `${at}.linear_attn`, delta)
          : { rotary, norm, bias, outBias: bias, gated: true },
    }),
  };
}
