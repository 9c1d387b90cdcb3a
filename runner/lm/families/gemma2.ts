import { z } from 'zod';
import { softCap } from '../blocks/linear.ts';
import { shiftedRmsNorm } from '../blocks/norm.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { type Decoder, decoderBlock, decoderEnds, readDecoder, readWindows, sizeFields } from './decoder.ts';
import { type Family, readConfig, size, unsupported } from './family.ts';
import { readRotary, ropeFields } from './rope.ts';

/** Fields of Gemma 2 and 3 but for those on positions, with the values that a field left out stands for. */
export const gemmaFields = {
  ...sizeFields,
  num_attention_heads: size.default(8),
  num_key_value_heads: size.default(4),
  head_dim: size.default(256),
  rms_norm_eps: z.number().positive().default(1e-6),
  hidden_activation: z.string().default('gelu_pytorch_tanh'),
  query_pre_attn_scalar: z.number().positive().default(256),
  sliding_window: size.nullable().default(4096),
  layer_types: z.array(z.string()).nullish(),
  attention_bias: z.boolean().default(false),
  use_bidirectional_attention: z.boolean().nullish(),
  tie_word_embeddings: z.boolean().default(true),
};

const cap = z.number().positive().nullable();
const configSchema = z.object({
  ...gemmaFields,
  ...ropeFields,
  final_logit_softcapping: cap.default(30),
  attn_logit_softcapping: cap.default(50),
});

/** Norms before and after each part. */
export const gemmaNorms = {
  attention: { before: 'input_layernorm', after: 'post_attention_layernorm' },
  mlp: { before: 'pre_feedforward_layernorm', after: 'post_feedforward_layernorm' },
};

/** Gemma 2: norms around each part, weights stored as w − 1, soft caps, every second block with a window. */
export function gemma2(checkpoint: Checkpoint): Family {
  const config = readConfig(checkpoint, configSchema);
  const { decoder, ends, attention } = gemmaParts(checkpoint, config);
  const rotary = readRotary(checkpoint, config, decoder);
  const windows = readWindows(
    checkpoint,
    { count: decoder.blocks, types: config.layer_types, window: config.sliding_window },
    (index) => index % 2 === 0,
  );
  const attentionCap = config.attn_logit_softcapping ?? undefined;
  const logitCap = config.final_logit_softcapping;
  return {
    name: 'gemma2',
    ...ends,
    head(build, residual) {
      const logits = ends.head(build, residual);
      return logitCap === null ? logits : softCap(build, logits, logitCap);
    },
    block: decoderBlock(decoder, {
      norms: gemmaNorms,
      attention: (index) => ({ ...attention, rotary, window: windows[index], softCap: attentionCap }),
    }),
  };
}

/** What Gemma 2 and 3 share beyond their fields. */
export function gemmaParts(
  checkpoint: Checkpoint,
  config: z.infer<z.ZodObject<typeof gemmaFields>>,
): {
  decoder: Decoder;
  ends: Omit<Family, 'name' | 'block'>;
  attention: { scale: number; bias: boolean; outBias: boolean };
} {
  if (config.use_bidirectional_attention) {
    throw unsupported(checkpoint, 'use_bidirectional_attention', 'true', 'causal attention (false)');
  }
  const decoder = readDecoder(checkpoint, config, config.hidden_activation, shiftedRmsNorm);
  const ends = decoderEnds(decoder);
  const bias = config.attention_bias;
  return {
    decoder,
    ends: {
      ...ends,
      embed: (build, ids) =>
        build.graph.node('Mul', [ends.embed(build, ids), build.graph.scalar(Math.sqrt(decoder.width))]),
    },
    attention: { scale: config.query_pre_attn_scalar ** -0.5, bias, outBias: bias },
  };
}
