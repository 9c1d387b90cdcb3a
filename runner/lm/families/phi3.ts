import { z } from 'zod';
import { quote } from '../../errors.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { decoderBlock, decoderEnds, decoderFields, extraHeadSize, readDecoder } from './decoder.ts';
import { type Family, size } from './family.ts';
import { configKeys, readConfig, unsupported } from './keys.ts';
import { partialRopeFields, type RopeFields, readRotary, ropeGiven } from './rope.ts';

export const phi3Keys = configKeys(
  'Phi3',
  {
    ...decoderFields({
      vocabulary: 32_064,
      width: 3072,
      inner: 8192,
      blocks: 32,
      heads: 32,
      context: 4096,
      epsilon: 1e-5,
    }),
    ...partialRopeFields,
    ...extraHeadSize,
    pad_token_id: z.int().nullable().default(32_000),
    num_key_value_heads: size.nullish(),
    hidden_act: z.string().default('silu'),
    sliding_window: size.nullish(),
    original_max_position_embeddings: size.default(4096),
  },
  { withoutEffect: { resid_pdrop: z.number().optional(), embd_pdrop: z.number().optional() } },
);

/** Phi-3 and Phi-4: Llama with fused products and, in the long variants, LongRoPE. */
export function phi3(checkpoint: Checkpoint): Family {
  const config = readConfig(checkpoint, phi3Keys);
  const decoder = readDecoder(checkpoint, config, config.hidden_act);
  const rotary = readRotary(checkpoint, asLongRope(checkpoint, config), decoder, {
    partial: config.partial_rotary_factor ?? 1,
  });
  const window = config.sliding_window ?? undefined;
  return {
    name: 'phi3',
    ...decoderEnds(decoder),
    block: decoderBlock(decoder, {
      attention: () => ({ rotary, window, fused: true }),
      mlp: { fused: true },
    }),
  };
}

/** The first Phi-3 checkpoints call LongRoPE `su` or `yarn`; no other scaling is the family's. */
function asLongRope(checkpoint: Checkpoint, config: RopeFields): RopeFields {
  const given = ropeGiven(config);
  const kind = given.rope_type ?? given.type ?? 'default';
  if (kind === 'default') return config;
  if (!['longrope', 'su', 'yarn'].includes(kind)) {
    throw unsupported(checkpoint, 'rope_type', quote(kind), 'default or longrope');
  }
  // By this name transformers does not take the context from outside the settings.
  if (kind === 'su' && given.original_max_position_embeddings == null) {
    const found = 'su without original_max_position_embeddings';
    throw unsupported(checkpoint, 'rope_type', found, 'it within the settings, or the name longrope');
  }
  return { ...config, rope_scaling: { ...given, rope_type: 'longrope' } };
}
