import { z } from 'zod';
import { quote } from '../../errors.ts';
import { gatedDelta, gatedDeltaOutput } from '../blocks/gated-delta.ts';
import { headNorm, rmsNorm, shiftedRmsNorm } from '../blocks/norm.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { decoderBlock, decoderEnds, decoderFields, readDecoder, readLayerTypes } from './decoder.ts';
import { type Family, size, textPart } from './family.ts';
import { configKeys, readConfig, unsupported } from './keys.ts';
import { partialRopeFields, readRotary } from './rope.ts';

export const qwen35Keys = configKeys(
  'Qwen3_5',
  {
    ...decoderFields({
      ...{ vocabulary: 248_320, width: 4096, inner: 12_288, blocks: 32, heads: 16, context: 32_768 },
    }),
    ...partialRopeFields,
    rms_norm_eps: z.number().positive().default(1e-6),
    num_key_value_heads: size.default(4),
    head_dim: size.default(256),
    hidden_act: z.string().default('silu'),
    attention_bias: z.boolean().default(false),
    layer_types: z.array(z.string()).nullish(),
    full_attention_interval: size.default(4),
    linear_conv_kernel_dim: size.default(4),
    linear_key_head_dim: size.default(128),
    linear_value_head_dim: size.default(128),
    linear_num_key_heads: size.default(16),
    linear_num_value_heads: size.default(32),
  },
  // Not of the class, which always has the gate and applies it through a sigmoid: a config that says otherwise is of another model.
  { fixed: { attn_output_gate: [true], output_gate_type: [null, 'sigmoid'] } },
);

/**
 * Qwen3.5 and Qwen3.6 (text): gated delta nets, and every fourth block attention with an output gate.
 * Images turn by three positions a token, text by one three times over, so that plain rotary positions do.
 */
export function qwen35(checkpoint: Checkpoint): Family {
  const text = textPart(checkpoint);
  const config = readConfig(text, qwen35Keys);
  if (!['silu', 'swish'].includes(config.hidden_act)) {
    throw unsupported(text, 'hidden_act', quote(config.hidden_act), '"silu", which the gated delta nets use');
  }
  const decoder = readDecoder(text, config, config.hidden_act, shiftedRmsNorm);
  const { blocks, width } = decoder;
  const types =
    readLayerTypes(text, config.layer_types, blocks, ['full', 'linear']) ??
    Array.from({ length: blocks }, (_, i) =>
      (i + 1) % config.full_attention_interval === 0 ? 'full' : 'linear',
    );
  if (!types.includes('full')) {
    throw unsupported(
      text,
      'layer_types',
      'no full_attention',
      'at least one, without which transformers fails',
    );
  }
  const rotary = readRotary(text, config, decoder, { partial: config.partial_rotary_factor ?? 0.25 });
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
        types[index] === 'linear'
          ? {
              mixedWidth: delta.valueHeads * delta.valueSize,
              mix: (build, x, at) => gatedDelta(build, x, `${at}.linear_attn`, delta),
              out: (build, mixed, at) => gatedDeltaOutput(build, mixed, `${at}.linear_attn`, delta),
            }
          : { rotary, norm, bias, outBias: bias, gated: true },
    }),
  };
}
