import { z } from 'zod';
import type { Checkpoint } from '../checkpoint.ts';
import { checkWindow, decoderBlock, decoderEnds, decoderFields, readDecoder } from './decoder.ts';
import { type Family, size, textPart } from './family.ts';
import { configKeys, readConfig, unsupported } from './keys.ts';
import { mistral, mistralKeys } from './mistral.ts';
import { countsFrom, kindOf, readRotary, ropeFields, ropeGiven, ropeSettings } from './rope.ts';

const settings = ropeSettings.extend({ llama_4_scaling_beta: z.number().nullish() });

export const ministral3Keys = configKeys('Ministral3', {
  ...decoderFields({
    vocabulary: 131_072,
    width: 4096,
    inner: 14_336,
    blocks: 34,
    heads: 32,
    context: 262_144,
    epsilon: 1e-5,
  }),
  ...ropeFields,
  rope_scaling: settings.nullish(),
  rope_parameters: settings.nullish(),
  pad_token_id: z.int().nullable().default(11),
  num_key_value_heads: size.nullable().default(8),
  head_dim: size.nullable().default(128),
  hidden_act: z.string().default('silu'),
  sliding_window: z.int().nullish(),
});

/** Positions of a config that has no settings for them. */
const YARN: z.infer<typeof settings> = {
  rope_type: 'yarn',
  rope_theta: 1_000_000,
  factor: 16,
  original_max_position_embeddings: 16_384,
  beta_fast: 32,
  beta_slow: 1,
  mscale: 1,
  mscale_all_dim: 1,
  llama_4_scaling_beta: 0.1,
};

/** Ministral 3: Mistral with queries that grow with the logarithm of their position beyond the first context. */
export function ministral3(checkpoint: Checkpoint): Family {
  const config = readConfig(checkpoint, ministral3Keys);
  const decoder = readDecoder(checkpoint, config, config.hidden_act);
  const rope = { ...config, rope_parameters: config.rope_parameters ?? YARN };
  const rotary = readRotary(checkpoint, rope, decoder);
  const given: z.infer<typeof settings> = ropeGiven(rope);
  const need = (key: keyof typeof given, value: number | null | undefined): number => {
    if (value != null) return value;
    throw unsupported(checkpoint, `rope_parameters.${key}`, 'none', 'a number');
  };
  const beta = need('llama_4_scaling_beta', given.llama_4_scaling_beta);
  const own = given.original_max_position_embeddings;
  const original = countsFrom(kindOf(given))
    ? (config.original_max_position_embeddings ?? own ?? decoder.contextLength)
    : need('original_max_position_embeddings', own);
  checkWindow(checkpoint, config.sliding_window);
  const window = config.sliding_window ?? undefined;
  return {
    name: 'ministral3',
    ...decoderEnds(decoder),
    block: decoderBlock(decoder, {
      attention: () => ({
        rotary,
        window,
        queryScale: (position) => 1 + beta * Math.log(1 + Math.floor(position / original)),
      }),
    }),
  };
}

/** The text model of Mistral 3 (Mistral Small 3.1, Ministral 3), which is one of two families. */
export function mistral3(checkpoint: Checkpoint): Family {
  const kinds = ['ministral3', 'mistral', undefined];
  if (checkpoint.config.is_causal === false)
    throw unsupported(checkpoint, 'is_causal', 'false', 'causal attention');
  // The whole config's flag counts, in transformers too, and is true where it is not given.
  const text = textPart(checkpoint, (_, whole) => whole ?? true, kinds);
  return text.config.model_type === 'ministral3' ? ministral3(text) : mistral(text);
}

/** Of either text model. */
export const mistral3Keys = { ...ministral3Keys, read: { ...mistralKeys.read, ...ministral3Keys.read } };
