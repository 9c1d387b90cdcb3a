import { z } from 'zod';
import { experts, gatedSharedExpert, packedExpert } from '../blocks/experts.ts';
import { gatedDelta, gatedDeltaOutput } from '../blocks/gated-delta.ts';
import { headNorm, rmsNorm, shiftedRmsNorm } from '../blocks/norm.ts';
import type { Checkpoint } from '../checkpoint.ts';
import {
  type BlockParts,
  checkExperts,
  type Decoder,
  decoderBlock,
  decoderEnds,
  decoderFields,
  readDecoder,
  readLayerTypes,
} from './decoder.ts';
import { type Family, size, textPart } from './family.ts';
import { configKeys, readConfig, unsupported } from './keys.ts';
import { partialRopeFields, readRotary } from './rope.ts';

/** Keys of the dense models and of those with experts, but for the sizes of the MLP. */
export const hybridFields = {
  ...partialRopeFields,
  rms_norm_eps: z.number().positive().default(1e-6),
  head_dim: size.default(256),
  hidden_act: z.string().default('silu'),
  attention_bias: z.boolean().default(false),
  layer_types: z.array(z.string()).nullish(),
  full_attention_interval: size.default(4),
  linear_conv_kernel_dim: size.default(4),
  linear_key_head_dim: size.default(128),
  linear_value_head_dim: size.default(128),
  linear_num_key_heads: size.default(16),
  linear_num_value_heads: size.default(32),
};

// Not of the classes, which always have the gate and apply it through a sigmoid: a config that says otherwise is of another model.
const fixed = { attn_output_gate: [true], output_gate_type: [null, 'sigmoid'] };

export const qwen35Keys = configKeys(
  'Qwen3_5',
  {
    ...decoderFields({
      vocabulary: 248_320,
      width: 4096,
      inner: 12_288,
      blocks: 32,
      heads: 16,
      context: 32_768,
    }),
    ...hybridFields,
    num_key_value_heads: size.default(4),
  },
  { fixed },
);

const { intermediate_size: _, ...sparseFields } = decoderFields({
  vocabulary: 248_320,
  width: 2048,
  inner: 512,
  blocks: 40,
  heads: 16,
  context: 32_768,
});

export const qwen35MoeKeys = configKeys(
  'Qwen3_5Moe',
  {
    ...sparseFields,
    ...hybridFields,
    num_key_value_heads: size.default(2),
    moe_intermediate_size: size.default(512),
    shared_expert_intermediate_size: size.default(512),
    num_experts_per_tok: size.default(8),
    num_experts: size.default(256),
  },
  {
    fixed,
    withoutEffect: {
      output_router_logits: z.boolean().optional(),
      router_aux_loss_coef: z.number().optional(),
    },
  },
);

/**
 * Qwen3.5 and Qwen3.6 (text): gated delta nets, and every fourth block attention with an output gate.
 * Images turn by three positions a token, text by one three times over, so that plain rotary positions do.
 */
export function qwen35(checkpoint: Checkpoint): Family {
  const text = textPart(checkpoint, ownFlag);
  const config = readConfig(text, qwen35Keys);
  const decoder = readDecoder(text, config, config.hidden_act, shiftedRmsNorm);
  return { name: 'qwen3_5', ...hybrid(text, config, decoder) };
}

/** The same with experts for the MLP, and one that every token goes to, through a gate. */
export function qwen35Moe(checkpoint: Checkpoint): Family {
  const text = textPart(checkpoint, ownFlag);
  const config = readConfig(text, qwen35MoeKeys);
  checkExperts(text, config.num_experts_per_tok, config.num_experts);
  const sizes = { ...config, intermediate_size: config.shared_expert_intermediate_size };
  const decoder = readDecoder(text, sizes, config.hidden_act, shiftedRmsNorm);
  const { width, inner, activation } = decoder;
  return {
    name: 'qwen3_5_moe',
    ...hybrid(text, config, decoder, (build, x, at) => {
      const mixed = experts(build, x, {
        width,
        count: config.num_experts,
        chosen: config.num_experts_per_tok,
        router: `${at}.mlp.gate`,
        normalise: true,
        expert: packedExpert(build, `${at}.mlp.experts`, {
          width,
          activation,
          inner: config.moe_intermediate_size,
          count: config.num_experts,
        }),
      });
      const shared = gatedSharedExpert(build, x, `${at}.mlp`, { width, inner, activation });
      return build.graph.node('Add', [mixed, shared]);
    }),
  };
}

/** Whether embeddings are tied is the text model's to say, and not the case where it does not. */
function ownFlag(inside: unknown): unknown {
  return inside ?? false;
}

type CommonConfig = z.output<z.ZodObject<typeof hybridFields>> & { num_hidden_layers: number };

/** Gated delta nets and attention with an output gate, by the types of layers. */
export function hybrid(
  text: Checkpoint,
  config: CommonConfig,
  decoder: Decoder,
  mlp?: BlockParts['mlp'],
  byKeyHead = false,
): Omit<Family, 'name'> {
  const { blocks, width, activation } = decoder;
  const types =
    readLayerTypes(text, config.layer_types, blocks, ['full', 'linear']) ??
    Array.from({ length: blocks }, (_, i) =>
      (i + 1) % config.full_attention_interval === 0 ? 'full' : 'linear',
    );
  if (!types.includes('full')) {
    throw unsupported(
      text,
      'layer_types',
      'no full_attention',
      'at least one, without which transformers fails',
    );
  }
  const rotary = readRotary(text, config, decoder, { partial: config.partial_rotary_factor ?? 0.25 });
  const norm = headNorm(decoder.norm, decoder.headSize);
  const bias = config.attention_bias;
  const delta = {
    byKeyHead,
    width,
    activation,
    keyHeads: config.linear_num_key_heads,
    valueHeads: config.linear_num_value_heads,
    keySize: config.linear_key_head_dim,
    valueSize: config.linear_value_head_dim,
    kernel: config.linear_conv_kernel_dim,
    norm: rmsNorm(config.rms_norm_eps),
  };
  return {
    ...decoderEnds(decoder),
    block: decoderBlock(decoder, {
      ...(mlp !== undefined && { mlp }),
      attention: (index) =>
        types[index] === 'linear'
          ? {
              mixedWidth: delta.valueHeads * delta.valueSize,
              mix: (build, x, at) => gatedDelta(build, x, `${at}.linear_attn`, delta),
              out: (build, mixed, at) => gatedDeltaOutput(build, mixed, `${at}.linear_attn`, delta),
            }
          : { rotary, norm, bias, outBias: bias, gated: true },
    }),
  };
}
