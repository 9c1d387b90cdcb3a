import { z } from 'zod';
import type { Choice } from '../blocks/experts.ts';
import { latentAttention, latentOutput } from '../blocks/latent-attention.ts';
import { rmsNorm } from '../blocks/norm.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { checkShares, decoderBlock, decoderEnds, decoderFields, readDecoder } from './decoder.ts';
import { type Family, size } from './family.ts';
import { type ChoiceOf, groupedExperts, ratedChoice, ratedFields } from './grouped-experts.ts';
import { configKeys, readConfig, unsupported } from './keys.ts';
import { routerUnused } from './qwen2-moe.ts';
import { kindOf, readRotary, ropeFields, ropeGiven } from './rope.ts';

const commonFields = {
  ...ropeFields,
  num_key_value_heads: size.nullish(),
  hidden_act: z.string().default('silu'),
  attention_bias: z.boolean().default(false),
  q_lora_rank: size.nullable().default(1536),
  kv_lora_rank: size.default(512),
  qk_nope_head_dim: size.default(128),
  qk_rope_head_dim: size.default(64),
  v_head_dim: size.default(128),
};

const unused = {
  ...routerUnused,
  pretraining_tp: z.int().nullish(),
  // Follows from the sizes of heads.
  qk_head_dim: z.unknown().optional(),
  attention_dropout: z.number().nullish(),
};

export const deepseekV2Keys = configKeys(
  'DeepseekV2',
  {
    ...decoderFields({
      vocabulary: 102_400,
      width: 4096,
      inner: 11_008,
      blocks: 32,
      heads: 32,
      context: 2048,
    }),
    ...commonFields,
    mlp_bias: z.boolean().default(false),
    first_k_dense_replace: z.int().default(0),
    n_shared_experts: size.default(2),
    n_routed_experts: size.default(64),
    num_experts_per_tok: size.nullish(),
    moe_intermediate_size: size.default(1407),
    routed_scaling_factor: z.number().default(1),
    topk_method: z.string().nullable().default('greedy'),
    n_group: size.nullish(),
    topk_group: size.nullish(),
  },
  {
    withoutEffect: {
      ...unused,
      // Heads have the sizes above, and what its shares are divided by is nothing.
      head_dim: z.int().nullish(),
      norm_topk_prob: z.boolean().nullish(),
    },
    aliases: { num_experts: 'n_routed_experts' },
  },
);

export const deepseekV3Keys = configKeys(
  'DeepseekV3',
  {
    ...decoderFields({
      vocabulary: 129_280,
      width: 7168,
      inner: 18_432,
      blocks: 61,
      heads: 128,
      context: 4096,
    }),
    ...commonFields,
    num_key_value_heads: size.nullable().default(128),
    rope_interleave: z.boolean().nullable().default(true),
    ...ratedFields,
    // Of the rotary positions alone, where it must be what turns of the heads.
    head_dim: size.optional(),
  },
  {
    withoutEffect: {
      ...unused,
      num_mtp_layers: z.int().optional(),
      num_nextn_predict_layers: z.int().optional(),
    },
    aliases: { num_local_experts: 'n_routed_experts' },
  },
);

/** DeepSeek-V2: attention over latents, experts beside one that every token goes to. */
export function deepseekV2(checkpoint: Checkpoint): Family {
  const config = readConfig(checkpoint, deepseekV2Keys);
  checkShares(checkpoint, config.hidden_size, config.num_attention_heads);
  const chosen = config.num_experts_per_tok;
  if (chosen == null) throw unsupported(checkpoint, 'num_experts_per_tok', 'none', 'a number');
  const grouped = config.topk_method === 'group_limited_greedy';
  if (!grouped && config.topk_method !== 'greedy') {
    const found = JSON.stringify(config.topk_method).slice(0, 100);
    throw unsupported(checkpoint, 'topk_method', found, 'greedy or group_limited_greedy');
  }
  const { n_group: groups, topk_group: kept } = config;
  if (grouped && (groups == null || kept == null))
    throw unsupported(checkpoint, 'n_group', 'none', 'numbers of groups, and of those kept');
  const choice: Choice = {
    chosen,
    normalise: false,
    gain: config.routed_scaling_factor,
    ...(grouped && { groups: { count: groups!, kept: kept!, rated: 1, others: 0 } }),
  };
  return family(checkpoint, config, 'deepseek_v2', { choice: () => choice, interleaved: true });
}

/** DeepSeek-V3 and R1: experts rated by sigmoids and a bias that their shares do not have. */
export function deepseekV3(checkpoint: Checkpoint): Family {
  const config = readConfig(checkpoint, deepseekV3Keys);
  if ((config.head_dim ?? config.qk_rope_head_dim) !== config.qk_rope_head_dim) {
    throw unsupported(checkpoint, 'head_dim', `${config.head_dim}`, 'qk_rope_head_dim, or none');
  }
  const choice = ratedChoice(config);
  const interleaved = config.rope_interleave ?? false;
  return family(checkpoint, { ...config, mlp_bias: false }, 'deepseek_v3', { choice, interleaved });
}

type Config = Omit<z.output<z.ZodObject<typeof deepseekV2Keys.read>>, 'topk_method'>;

function family(
  checkpoint: Checkpoint,
  config: Config,
  name: string,
  of: { choice: ChoiceOf; interleaved: boolean },
): Family {
  const heads = config.num_attention_heads;
  const { num_key_value_heads: keys, ...sizes } = config;
  if (Math.floor(heads / (keys ?? heads)) !== 1) {
    throw unsupported(checkpoint, 'num_key_value_heads', `${keys} of ${heads} heads`, 'one per head');
  }
  const decoder = readDecoder(checkpoint, sizes, config.hidden_act);
  const { width } = decoder;
  const [plain, turned] = [config.qk_nope_head_dim, config.qk_rope_head_dim];
  const rotary = readRotary(checkpoint, config, {
    headSize: turned,
    contextLength: decoder.contextLength,
  });
  const shape = {
    width,
    heads,
    plain,
    turned,
    value: config.v_head_dim,
    bias: config.attention_bias,
    queryRank: config.q_lora_rank,
    rank: config.kv_lora_rank,
    norm: rmsNorm(1e-6),
    rotary: { ...rotary, interleaved: of.interleaved },
    scale: (plain + turned) ** -0.5 * sharpness(checkpoint, config) ** 2,
  };
  return {
    name,
    ...decoderEnds(decoder),
    block: decoderBlock(decoder, {
      attention: () => ({
        mixedWidth: heads * config.v_head_dim,
        mix: (build, x, at) => latentAttention(build, x, `${at}.self_attn`, shape),
        out: (build, mixed, at) => latentOutput(build, mixed, `${at}.self_attn`, shape),
      }),
      mlp: groupedExperts(checkpoint, config, decoder, of.choice),
    }),
  };
}

/** What scaled positions sharpen queries and keys by, each of them. */
function sharpness(checkpoint: Checkpoint, config: Config): number {
  const given = ropeGiven(config);
  const by = given.mscale_all_dim;
  if (kindOf(given) === 'default' || !by) return 1;
  if (given.factor == null) throw unsupported(checkpoint, 'rope_parameters.factor', 'none', 'a number');
  return given.factor <= 1 ? 1 : 0.1 * by * Math.log(given.factor) + 1;
}
