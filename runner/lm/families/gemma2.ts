import { z } from 'zod';
import { softCap } from '../blocks/linear.ts';
import { shiftedRmsNorm } from '../blocks/norm.ts';
import type { Checkpoint } from '../checkpoint.ts';
import {
  checkShares,
  type Decoder,
  decoderBlock,
  decoderEnds,
  decoderFields,
  readDecoder,
  readWindows,
  timesFactor,
} from './decoder.ts';
import { type Family, size } from './family.ts';
import { configKeys, readConfig, unsupported } from './keys.ts';
import { readRotary, ropeFields } from './rope.ts';

/** Keys of Gemma 2 and 3 but for those on positions, with the values that a missing key stands for. */
export function gemmaFields(vocabulary: number, context: number) {
  return {
    ...decoderFields({ vocabulary, width: 2304, inner: 9216, blocks: 26, heads: 8, context, tied: true }),
    num_key_value_heads: size.default(4),
    head_dim: size.default(256),
    pad_token_id: z.int().nullable().default(0),
    hidden_activation: z.string().default('gelu_pytorch_tanh'),
    query_pre_attn_scalar: z.int().positive().default(256),
    sliding_window: size.nullable().default(4096),
    layer_types: z.array(z.string()).nullish(),
    attention_bias: z.boolean().default(false),
    use_bidirectional_attention: z.boolean().nullish(),
  };
}

export const gemmaUnused = { attention_dropout: z.number().nullish() };

export const cap = z.number().positive().nullable();
export const gemma2Keys = configKeys(
  'Gemma2',
  {
    ...gemmaFields(256_000, 8192),
    ...ropeFields,
    final_logit_softcapping: cap.default(30),
    attn_logit_softcapping: cap.default(50),
  },
  { withoutEffect: gemmaUnused },
);

/** Norms before and after each part. */
export const gemmaNorms = {
  attention: { before: 'input_layernorm', after: 'post_attention_layernorm' },
  mlp: { before: 'pre_feedforward_layernorm', after: 'post_feedforward_layernorm' },
};

/** Gemma 2: norms around each part, weights stored as w − 1, soft caps, every second block with a window. */
export function gemma2(checkpoint: Checkpoint): Family {
  const config = readConfig(checkpoint, gemma2Keys);
  const { decoder, ends, attention } = gemmaParts(checkpoint, config);
  const rotary = readRotary(checkpoint, config, decoder);
  const windows = readWindows(
    checkpoint,
    { count: decoder.blocks, types: config.layer_types, window: config.sliding_window },
    (index) => index % 2 === 0,
  );
  const attentionCap = config.attn_logit_softcapping ?? undefined;
  return {
    name: 'gemma2',
    ...ends,
    head: cappedHead(ends, config.final_logit_softcapping),
    block: decoderBlock(decoder, {
      norms: gemmaNorms,
      attention: (index) => ({ ...attention, rotary, window: windows[index], softCap: attentionCap }),
    }),
  };
}

/** The embedding times √width, as all Gemmas have it. */
export function scaledEmbedding<Ends extends Pick<Family, 'embed'>>({ width }: Decoder, ends: Ends): Ends {
  return { ...ends, embed: timesFactor(ends.embed, Math.sqrt(width)) };
}

export function cappedHead(ends: Pick<Family, 'head'>, logitCap: number | null): Family['head'] {
  if (logitCap === null) return ends.head;
  return (build, residual) => softCap(build, ends.head(build, residual), logitCap);
}

/** What Gemma 2 and 3 share beyond their fields. */
export function gemmaParts(
  checkpoint: Checkpoint,
  config: z.output<z.ZodObject<ReturnType<typeof gemmaFields>>>,
): {
  decoder: Decoder;
  ends: Omit<Family, 'name' | 'block'>;
  attention: { scale: number; bias: boolean; outBias: boolean };
} {
  if (config.use_bidirectional_attention) {
    throw unsupported(checkpoint, 'use_bidirectional_attention', 'true', 'causal attention (false)');
  }
  checkShares(checkpoint, config.hidden_size, config.num_attention_heads);
  const decoder = readDecoder(checkpoint, config, config.hidden_activation, shiftedRmsNorm);
  const ends = decoderEnds(decoder);
  const bias = config.attention_bias;
  return {
    decoder,
    ends: scaledEmbedding(decoder, ends),
    attention: { scale: config.query_pre_attn_scalar ** -0.5, bias, outBias: bias },
  };
}
