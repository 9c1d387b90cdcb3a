import { z } from 'zod';
import type { Checkpoint } from '../checkpoint.ts';
import { decoderBlock, decoderEnds, decoderFields, readDecoder } from './decoder.ts';
import { type Family, readConfig } from './family.ts';
import { readRotary } from './rope.ts';

const configSchema = z.object({
  ...decoderFields,
  hidden_act: z.string().default('silu'),
  attention_bias: z.boolean().default(false),
  mlp_bias: z.boolean().default(false),
});

/** Llama 1 to 3: pre-norm blocks, grouped-query attention, SwiGLU; the pattern the others vary. */
export function llama(checkpoint: Checkpoint): Family {
  const config = readConfig(checkpoint, configSchema);
  const decoder = readDecoder(checkpoint, config, config.hidden_act);
  const rotary = readRotary(checkpoint, config, decoder);
  const bias = config.attention_bias;
  return {
    name: 'llama',
    ...decoderEnds(decoder),
    block: decoderBlock(decoder, {
      attention: () => ({ rotary, bias, outBias: bias }),
      mlp: { bias: config.mlp_bias },
    }),
  };
}
