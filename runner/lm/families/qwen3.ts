import { z } from 'zod';
import { UserError } from '../../errors.ts';
import { attention, headNorm, linear, rmsNorm, swiGlu } from '../blocks.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { type Family, readConfig, size } from './family.ts';

const configSchema = z.object({
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: size,
  num_attention_heads: size,
  num_key_value_heads: size,
  head_dim: size,
  vocab_size: size,
  max_position_embeddings: size,
  rms_norm_eps: z.number().positive(),
  // Newer writers nest it in rope_parameters.
  rope_theta: z.number().positive().optional(),
  rope_parameters: z
    .object({ rope_theta: z.number().positive(), rope_type: z.string().optional() })
    .optional(),
  rope_scaling: z.unknown().optional(),
  hidden_act: z.literal('silu'),
  tie_word_embeddings: z.boolean().default(false),
  attention_bias: z.boolean().default(false),
  use_sliding_window: z.boolean().default(false),
});

/** Qwen3 (dense): pre-norm blocks, grouped-query attention with normed queries and keys, SwiGLU. */
export function qwen3(checkpoint: Checkpoint): Family {
  const config = readConfig(checkpoint, configSchema);
  const ropeType = config.rope_parameters?.rope_type ?? 'default';
  if (config.use_sliding_window || config.rope_scaling != null || ropeType !== 'default') {
    throw new UserError({
      thing: `${checkpoint.folder}/config.json`,
      found: 'a sliding window or rope scaling',
      expected: 'a qwen3 checkpoint without them',
      next: 'Use a checkpoint of the family without these options.',
    });
  }
  const d = config.hidden_size;
  const epsilon = config.rms_norm_eps;
  const heads = config.num_attention_heads;
  const kvHeads = config.num_key_value_heads;
  const headSize = config.head_dim;
  const ropeTheta = config.rope_parameters?.rope_theta ?? config.rope_theta ?? 10_000;
  const bias = config.attention_bias;

  return {
    name: 'qwen3',
    blocks: config.num_hidden_layers,
    dModel: d,
    vocabulary: config.vocab_size,
    contextLength: config.max_position_embeddings,

    embed(build, ids) {
      const rows = build.graph.node('Gather', [
        build.weight('model.embed_tokens.weight', [config.vocab_size, d]),
        ids,
      ]);
      return build.graph.node('Reshape', [rows, build.graph.int64s([-1, d])]);
    },

    block(build, index, residual) {
      const { graph } = build;
      const at = `model.layers.${index}`;
      const x = rmsNorm(build, residual, `${at}.input_layernorm`, d, epsilon);
      const projected = (name: string, count: number) =>
        linear(build, x, `${at}.self_attn.${name}_proj`, count * headSize, d, bias);
      const query = headNorm(
        build,
        projected('q', heads),
        `${at}.self_attn.q_norm`,
        heads,
        headSize,
        epsilon,
      );
      const key = headNorm(
        build,
        projected('k', kvHeads),
        `${at}.self_attn.k_norm`,
        kvHeads,
        headSize,
        epsilon,
      );
      const mixed = attention(build, query, key, projected('v', kvHeads), {
        heads,
        kvHeads,
        headSize,
        ropeTheta,
      });
      const afterAttention = graph.node('Add', [
        residual,
        linear(build, mixed, `${at}.self_attn.o_proj`, d, heads * headSize, bias),
      ]);
      const y = rmsNorm(build, afterAttention, `${at}.post_attention_layernorm`, d, epsilon);
      return graph.node('Add', [afterAttention, swiGlu(build, y, `${at}.mlp`, d, config.intermediate_size)]);
    },

    head(build, residual) {
      const x = rmsNorm(build, residual, 'model.norm', d, epsilon);
      return linear(
        build,
        x,
        config.tie_word_embeddings ? 'model.embed_tokens' : 'lm_head',
        config.vocab_size,
        d,
      );
    },
  };
}
