import { z } from 'zod';
import type { Checkpoint } from '../checkpoint.ts';
import { decoderBlock, decoderEnds, decoderFields, readDecoder } from './decoder.ts';
import { type Family, readConfig, size } from './family.ts';
import { type RopeFields, readRotary } from './rope.ts';

const configSchema = z.object({
  ...decoderFields,
  hidden_act: z.string().default('silu'),
  sliding_window: size.nullish(),
  original_max_position_embeddings: size.default(4096),
});

/** Phi-3 and Phi-4: Llama with fused products and, in the long variants, LongRoPE. */
export function phi3(checkpoint: Checkpoint): Family {
  const config = readConfig(checkpoint, configSchema);
  const decoder = readDecoder(checkpoint, config, config.hidden_act);
  const rotary = readRotary(checkpoint, asLongRope(config), decoder);
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

/** The first Phi-3 checkpoints call LongRoPE `su` or `yarn`. */
function asLongRope(config: RopeFields): RopeFields {
  const given = config.rope_scaling ?? config.rope_parameters;
  const kind = given?.rope_type ?? given?.type;
  if (kind !== 'su' && kind !== 'yarn') return config;
  return { ...config, rope_scaling: { ...given, rope_type: 'longrope' } };
}
