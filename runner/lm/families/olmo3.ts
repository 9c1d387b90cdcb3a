import { z } from 'zod';
import { quote } from '../../errors.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { decoderBlock, decoderEnds, readDecoder, readWindows } from './decoder.ts';
import { type Family, size } from './family.ts';
import { configKeys, readConfig, unsupported } from './keys.ts';
import { olmoFields, postNorms } from './olmo2.ts';
import { partialOf, type RopeSettings, ropeFields, ropeSettings, rotaryOf } from './rope.ts';

const THETA = 500_000;

export const olmo3Keys = configKeys('Olmo3', {
  ...olmoFields,
  sliding_window: size.nullable().default(4096),
  layer_types: z.array(z.string()).nullish(),
  partial_rotary_factor: ropeFields.partial_rotary_factor,
  // Older writers: of the full layers alone.
  rope_theta: z.number().positive().optional(),
  rope_scaling: ropeSettings.nullish(),
  // Newer ones.
  rope_parameters: z
    .object({ full_attention: ropeSettings.nullish(), sliding_attention: ropeSettings.nullish() })
    .nullish(),
});

/** OLMo 3: OLMo 2 with three of four layers on a sliding window; only the full ones have their positions scaled. */
export function olmo3(checkpoint: Checkpoint): Family {
  const config = readConfig(checkpoint, olmo3Keys);
  const decoder = readDecoder(checkpoint, config, config.hidden_act);
  const turn = (settings: RopeSettings, theta: number) =>
    rotaryOf(
      checkpoint,
      {
        ...settings,
        rope_theta: settings.rope_theta ?? theta,
        partial_rotary_factor: partialOf(checkpoint, settings),
      },
      decoder,
    );
  const given = config.rope_parameters;
  if (given != null && config.rope_scaling != null && !given.full_attention) {
    const found = quote(JSON.stringify(Object.keys(checkpoint.config.rope_parameters ?? {})));
    throw unsupported(checkpoint, 'rope_parameters', found, 'full_attention, which rope_scaling is of');
  }
  const full = { ...(given?.full_attention ?? { rope_type: 'default' }), ...config.rope_scaling };
  const sliding = given?.sliding_attention ?? { rope_type: 'default' };
  // transformers gives an older config's rope_theta to the first kind of layer that has none of its own.
  const taken = full.rope_theta === undefined;
  const rotary = {
    full: turn(full, config.rope_theta ?? THETA),
    sliding: turn(sliding, taken ? THETA : (config.rope_theta ?? THETA)),
  };
  const windows = readWindows(
    checkpoint,
    { count: decoder.blocks, types: config.layer_types, window: config.sliding_window },
    (index) => (index + 1) % 4 !== 0,
  );
  const bias = config.attention_bias;
  return {
    name: 'olmo3',
    ...decoderEnds(decoder),
    block: decoderBlock(decoder, {
      norms: postNorms,
      attention: (index) => ({
        rotary: windows[index] === undefined ? rotary.full : rotary.sliding,
        window: windows[index],
        norm: decoder.norm,
        bias,
        outBias: bias,
      }),
    }),
  };
}
