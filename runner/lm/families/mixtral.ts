import { z } from 'zod';
import { experts } from '../blocks/experts.ts';
import { gatedMlp } from '../blocks/mlp.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { checkExperts, decoderBlock, decoderEnds, decoderFields, readDecoder } from './decoder.ts';
import { type Family, size } from './family.ts';
import { configKeys, readConfig } from './keys.ts';
import { readRotary, ropeFields } from './rope.ts';

export const mixtralKeys = configKeys(
  'Mixtral',
  {
    ...decoderFields({
      vocabulary: 32_000,
      width: 4096,
      inner: 14_336,
      blocks: 32,
      heads: 32,
      context: 131_072,
      epsilon: 1e-5,
    }),
    ...ropeFields,
    num_key_value_heads: size.default(8),
    head_dim: size.nullish(),
    hidden_act: z.string().default('silu'),
    sliding_window: size.nullish(),
    num_local_experts: size.default(8),
    num_experts_per_tok: size.default(2),
  },
  {
    withoutEffect: {
      output_router_logits: z.boolean().optional(),
      router_aux_loss_coef: z.number().optional(),
      router_jitter_noise: z.number().optional(),
    },
    aliases: { num_experts: 'num_local_experts' },
  },
);

const names = { gate: 'w1', up: 'w3', down: 'w2' };

/** Mixtral: Mistral with a mixture of experts for each MLP. */
export function mixtral(checkpoint: Checkpoint): Family {
  const config = readConfig(checkpoint, mixtralKeys);
  const decoder = readDecoder(checkpoint, config, config.hidden_act);
  const rotary = readRotary(checkpoint, config, decoder, { theta: 1_000_000 });
  checkExperts(checkpoint, config.num_experts_per_tok, config.num_local_experts);
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
