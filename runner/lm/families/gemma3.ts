import { z } from 'zod';
import { quote } from '../../errors.ts';
import { headNorm } from '../blocks/norm.ts';
import type { Rotary } from '../blocks/rotary.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { type Decoder, decoderBlock, readWindows } from './decoder.ts';
import { type Family, size, textPart } from './family.ts';
import { cap, cappedHead, gemmaFields, gemmaNorms, gemmaParts, gemmaUnused } from './gemma2.ts';
import { configKeys, readConfig, unsupported } from './keys.ts';
import { partialOf, type RopeSettings, ropeFields, ropeSettings, rotaryOf } from './rope.ts';

const positive = z.number().positive();
/** Keys of two rotary bases, one for full attention and one for windows. */
export const twoRopeFields = {
  partial_rotary_factor: ropeFields.partial_rotary_factor,
  rope_theta: positive.default(1_000_000),
  rope_scaling: ropeSettings.nullish(),
  rope_local_base_freq: positive.default(10_000),
  // Newer writers keep both bases here; older ones rope_theta, rope_local_base_freq and rope_scaling.
  rope_parameters: z
    .object({ full_attention: ropeSettings.nullish(), sliding_attention: ropeSettings.nullish() })
    .nullish(),
};

type TwoRopes = z.output<z.ZodObject<typeof twoRopeFields>>;

export const gemma3Keys = configKeys(
  'Gemma3',
  {
    ...gemmaFields(262_208, 131_072),
    ...twoRopeFields,
    final_logit_softcapping: cap.default(null),
    sliding_window_pattern: size.default(6),
  },
  // A key of the class that its model takes no notice of, unlike Gemma 2's.
  { withoutEffect: { ...gemmaUnused, attn_logit_softcapping: z.number().nullish() } },
);

/** Gemma 3 (text): Gemma 2 with normed queries and keys instead of caps, and two rotary bases, 5 local blocks to 1. */
export function gemma3(checkpoint: Checkpoint): Family {
  // The whole config's flag counts, in transformers too; Gemma's is true where it is not given.
  const text = textPart(checkpoint, (_, whole) => whole ?? true);
  const config = readConfig(text, gemma3Keys);
  checkFullBase(text, config);
  const { decoder, ends, attention } = gemmaParts(text, config);
  const rotaries = twoRotaries(text, config, decoder);
  const slides = (index: number): boolean => (index + 1) % config.sliding_window_pattern !== 0;
  const isLocal = (index: number): boolean =>
    config.layer_types == null ? slides(index) : config.layer_types[index] === 'sliding_attention';
  const windows = readWindows(
    text,
    { count: decoder.blocks, types: config.layer_types, window: config.sliding_window },
    slides,
  );
  const norm = headNorm(decoder.norm, decoder.headSize);
  return {
    name: 'gemma3',
    ...ends,
    head: cappedHead(ends, config.final_logit_softcapping),
    block: decoderBlock(decoder, {
      norms: gemmaNorms,
      attention: (index) => ({
        ...attention,
        norm,
        rotary: isLocal(index) ? rotaries.local : rotaries.global,
        window: windows[index],
      }),
    }),
  };
}

/** @throws UserError for bases of which full attention has none */
export function checkFullBase(text: Checkpoint, { rope_parameters: bases }: TwoRopes): void {
  if (bases == null || bases.full_attention) return;
  const found = quote(JSON.stringify(Object.keys(text.config.rope_parameters ?? {})));
  throw unsupported(text, 'rope_parameters', found, 'full_attention and sliding_attention');
}

/** A base that is not given is the default one. */
export function twoRotaries(
  text: Checkpoint,
  config: TwoRopes,
  decoder: Pick<Decoder, 'headSize' | 'contextLength'>,
): { global: Rotary; local: Rotary } {
  const bases = config.rope_parameters;
  const turn = (settings: RopeSettings, theta: number): Rotary => {
    const own = {
      rope_theta: settings.rope_theta ?? theta,
      partial_rotary_factor: partialOf(text, settings),
    };
    return rotaryOf(text, { ...settings, ...own }, decoder);
  };
  // Where both are given, the older key's settings are laid over the newer one's.
  const global = { ...(bases?.full_attention ?? { rope_type: 'default' }), ...config.rope_scaling };
  return {
    global: turn(global, config.rope_theta),
    local: turn(bases?.sliding_attention ?? {}, config.rope_local_base_freq),
  };
}
