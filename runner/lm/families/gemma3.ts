import { z } from 'zod';
import { headNorm } from '../blocks/norm.ts';
import type { Rotary } from '../blocks/rotary.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { decoderBlock, readWindows } from './decoder.ts';
import { type Family, readConfig, size, textPart, unsupported } from './family.ts';
import { gemmaFields, gemmaNorms, gemmaParts } from './gemma2.ts';
import { ropeSettings, rotaryOf } from './rope.ts';

const configSchema = z.object({
  ...gemmaFields,
  vocab_size: size.default(262_208),
  max_position_embeddings: size.default(131_072),
  sliding_window_pattern: size.default(6),
  rope_theta: z.number().positive().default(1_000_000),
  rope_scaling: ropeSettings.nullish(),
  rope_local_base_freq: z.number().positive().default(10_000),
  // Newer writers keep both bases here; older ones rope_theta, rope_local_base_freq and rope_scaling.
  rope_parameters: z
    .object({ full_attention: ropeSettings.nullish(), sliding_attention: ropeSettings.nullish() })
    .nullish(),
});

/** Gemma 3 (text): Gemma 2 with normed queries and keys instead of caps, and two rotary bases, 5 local blocks to 1. */
export function gemma3(checkpoint: Checkpoint): Family {
  const text = textPart(checkpoint);
  for (const field of ['final_logit_softcapping', 'attn_logit_softcapping']) {
    const found = text.config[field];
    if (found != null) throw unsupported(checkpoint, field, JSON.stringify(found), 'null');
  }
  const config = readConfig(text, configSchema);
  const bases = config.rope_parameters;
  if (bases != null && !(bases.full_attention && bases.sliding_attention)) {
    const found = JSON.stringify(Object.keys(text.config.rope_parameters ?? {}));
    throw unsupported(checkpoint, 'rope_parameters', found, 'full_attention and sliding_attention');
  }
  const { decoder, ends, attention } = gemmaParts(text, config);
  const global = bases?.full_attention ?? config.rope_scaling ?? {};
  const local = bases?.sliding_attention ?? {};
  const turn = (settings: typeof global, theta: number): Rotary =>
    rotaryOf(text, { ...settings, rope_theta: settings.rope_theta ?? theta }, decoder);
  const globalRotary = turn(global, config.rope_theta);
  const localRotary = turn(local, config.rope_local_base_freq);
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
    block: decoderBlock(decoder, {
      norms: gemmaNorms,
      attention: (index) => ({
        ...attention,
        norm,
        rotary: isLocal(index) ? localRotary : globalRotary,
        window: windows[index],
      }),
    }),
  };
}
