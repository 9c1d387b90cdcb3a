import { z } from 'zod';
import { experts, gatedSharedExpert } from '../blocks/experts.ts';
import { gatedMlp } from '../blocks/mlp.ts';
import type { Checkpoint } from '../checkpoint.ts';
import {
  type BlockParts,
  checkExperts,
  type Decoder,
  decoderBlock,
  decoderEnds,
  decoderFields,
  extraHeadSize,
  readDecoder,
  readWindows,
} from './decoder.ts';
import { type Family, size } from './family.ts';
import { configKeys, readConfig } from './keys.ts';
import { readRotary, ropeFields } from './rope.ts';

/** Keys on experts and on which blocks have them. */
export const sparseFields = {
  moe_intermediate_size: size.default(1408),
  num_experts_per_tok: size.default(4),
  num_experts: size.default(60),
  norm_topk_prob: z.boolean().default(false),
  decoder_sparse_step: size.default(1),
  mlp_only_layers: z.array(z.int().nonnegative()).nullish(),
};

export const routerUnused = {
  output_router_logits: z.boolean().optional(),
  router_aux_loss_coef: z.number().optional(),
};

export const qwen2MoeKeys = configKeys(
  'Qwen2Moe',
  {
    ...decoderFields({
      vocabulary: 151_936,
      width: 2048,
      inner: 5632,
      blocks: 24,
      heads: 16,
      context: 32_768,
    }),
    ...ropeFields,
    ...extraHeadSize,
    ...sparseFields,
    shared_expert_intermediate_size: size.default(5632),
    num_key_value_heads: size.nullable().default(16),
    hidden_act: z.string().default('silu'),
    qkv_bias: z.boolean().default(true),
    use_sliding_window: z.boolean().default(false),
    sliding_window: z.int().nullable().default(4096),
    max_window_layers: z.int().nonnegative().default(28),
    layer_types: z.array(z.string()).nullish(),
  },
  { withoutEffect: routerUnused },
);

/** Qwen1.5-MoE and Qwen2 with experts, one of them for every token. */
export function qwen2Moe(checkpoint: Checkpoint): Family {
  const config = readConfig(checkpoint, qwen2MoeKeys);
  const decoder = readDecoder(checkpoint, config, config.hidden_act);
  const rotary = readRotary(checkpoint, config, decoder);
  const slides = config.use_sliding_window;
  const windows = readWindows(
    checkpoint,
    { count: decoder.blocks, types: config.layer_types, window: slides ? config.sliding_window : 0 },
    (index) => slides && index % 2 === 0 && index < config.max_window_layers,
  );
  return {
    name: 'qwen2_moe',
    ...decoderEnds(decoder),
    block: decoderBlock(decoder, {
      attention: (index) => ({ rotary, bias: config.qkv_bias, window: windows[index] }),
      mlp: sparseMlp(checkpoint, config, decoder),
    }),
  };
}

/** Experts, stored apart, and where a size is given one for every token; an MLP in the blocks that have none. */
export function sparseMlp(
  checkpoint: Checkpoint,
  config: z.output<z.ZodObject<typeof sparseFields>> & { shared_expert_intermediate_size?: number },
  { width, inner, activation }: Decoder,
): NonNullable<BlockParts['mlp']> {
  checkExperts(checkpoint, config.num_experts_per_tok, config.num_experts);
  const isDense = (index: number): boolean =>
    (config.mlp_only_layers ?? []).includes(index) || (index + 1) % config.decoder_sparse_step !== 0;
  return (build, x, at, index) => {
    const name = `${at}.mlp`;
    if (isDense(index)) return gatedMlp(build, x, name, { width, inner, activation });
    const mixed = experts(build, x, {
      width,
      count: config.num_experts,
      chosen: config.num_experts_per_tok,
      router: `${name}.gate`,
      normalise: config.norm_topk_prob,
      expert: (rows, expert) =>
        gatedMlp(build, rows, `${name}.experts.${expert}`, {
          width,
          activation,
          inner: config.moe_intermediate_size,
        }),
    });
    const sharedInner = config.shared_expert_intermediate_size;
    if (sharedInner === undefined) return mixed;
    const shared = gatedSharedExpert(build, x, name, { width, activation, inner: sharedInner });
    return build.graph.node('Add', [mixed, shared]);
  };
}
