import { z } from 'zod';
import type { Checkpoint } from '../checkpoint.ts';
import { decoderBlock, decoderEnds, decoderFields, readDecoder } from './decoder.ts';
import { type Family, readConfig, size } from './family.ts';
import { readRotary } from './rope.ts';

const configSchema = z.object({
  ...decoderFields,
  hidden_act: z.string().default('silu'),
  // Null is no window; a config without the field means this one.
  sliding_window: size.nullable().default(4096),
});

/** Mistral: Llama with every block looking at a sliding window. */
export function mistral(checkpoint: Checkpoint): Family {
  const config = readConfig(checkpoint, configSchema);
  const decoder = readDecoder(checkpoint, config, config.hidden_act);
  const rotary = readRotary(checkpoint, config, decoder);
  const window = config.sliding_window ?? undefined;
  return {
    name: 'mistral',
    ...decoderEnds(decoder),
    block: decoderBlock(decoder, { attention: () => ({ rotary, window }) }),
  };
}
