import { z } from 'zod';
import { experts } from '../blocks/experts.ts';
import { gatedMlp } from '../blocks/mlp.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { decoderBlock, decoderEnds, decoderFields, readDecoder } from './decoder.ts';
import { type Family, readConfig, size } from './family.ts';
import { readRotary } from './rope.ts';

const configSchema = z.object({
  ...decoderFields,
  hidden_act: z.string().default('silu'),
  sliding_window: size.nullish(),
  num_local_experts: size.default(8),
  num_experts_per_tok: size.default(2),
});

const names = { gate: 'w1', up: 'w3', down: 'w2' };

/** Mixtral: Mistral with a mixture of experts for each MLP. */
export function mixtral(checkpoint: Checkpoint): Family {
  const config = readConfig(checkpoint, configSchema);
  const decoder = readDecoder(checkpoint, config, config.hidden_act);
  const rotary = readRotary(checkpoint, config, decoder, { theta: 1_000_000 });
  const window = config.sliding_window ?? undefined;
  const { width, inner, activation } = decoder;
  return {
    name: 'mixtral',
    ...decoderEnds(decoder),
    block: decoderBlock(decoder, {
      attention: () => ({ rotary, window }),
      mlp: (build, x, at) =>
        experts(build, x, {
          width,
          count: config.num_local_experts,
          chosen: config.num_experts_per_tok,
          router: `${at}.block_sparse_moe.gate`,
          normalise: true,
          expert: (rows, index) =>
            gatedMlp(build, rows, `${at}.block_sparse_moe.experts.${index}`, {
              width,
              inner,
              activation,
              names,
            }),
        }),
    }),
  };
}
