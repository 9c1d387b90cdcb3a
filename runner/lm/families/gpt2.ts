import { z } from 'zod';
import { attention } from '../blocks/attention.ts';
import { embedding, linear, split } from '../blocks/linear.ts';
import { activate } from '../blocks/mlp.ts';
import { layerNorm } from '../blocks/norm.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { readActivation } from './decoder.ts';
import { type Family, readConfig, size, unsupported } from './family.ts';

const configSchema = z.object({
  n_embd: size,
  n_layer: size,
  n_head: size,
  n_positions: size,
  n_inner: size.nullish(),
  vocab_size: size,
  layer_norm_epsilon: z.number().positive().default(1e-5),
  activation_function: z.string().default('gelu_new'),
  scale_attn_weights: z.boolean().default(true),
  scale_attn_by_inverse_layer_idx: z.boolean().default(false),
  add_cross_attention: z.boolean().default(false),
  tie_word_embeddings: z.boolean().default(true),
});

/** GPT-2: learned positions, layer norms with biases, weights stored input first (Conv1D). */
export function gpt2(checkpoint: Checkpoint): Family {
  const config = readConfig(checkpoint, configSchema);
  if (config.add_cross_attention) {
    throw unsupported(checkpoint, 'add_cross_attention', 'true', 'a decoder on its own (false)');
  }
  const d = config.n_embd;
  const heads = config.n_head;
  const inner = config.n_inner ?? 4 * d;
  const vocabulary = config.vocab_size;
  const activation = readActivation(checkpoint, config.activation_function);
  const norm = layerNorm(config.layer_norm_epsilon);
  // The first checkpoints were written without the prefix.
  const prefix = checkpoint.tensors.has('transformer.wte.weight') ? 'transformer.' : '';
  const conv = (from: number, to: number) => ({ from, to, bias: true, inputFirst: true });
  const headSize = d / heads;
  if (!Number.isInteger(headSize)) {
    throw unsupported(checkpoint, 'n_head', `${heads} heads of ${d} numbers`, 'a divisor of n_embd');
  }

  return {
    name: 'gpt2',
    blocks: config.n_layer,
    dModel: d,
    vocabulary,
    contextLength: config.n_positions,

    embed(build, ids) {
      const { graph, rowsAndTokens } = build;
      const tokens = embedding(build, ids, `${prefix}wte`, vocabulary, d);
      const shape = graph.node('Concat', [rowsAndTokens, graph.int64s([d])], { attributes: { axis: 0 } });
      const count = graph.node('Gather', [rowsAndTokens, graph.int64s([1])]);
      const first = graph.node('Slice', [
        build.weight(`${prefix}wpe.weight`, [config.n_positions, d]),
        graph.int64s([0]),
        count,
      ]);
      const sum = graph.node('Add', [graph.node('Reshape', [tokens, shape]), first]);
      return graph.node('Reshape', [sum, graph.int64s([-1, d])]);
    },

    block(build, index, residual) {
      const { graph } = build;
      const at = `${prefix}h.${index}`;
      const x = norm(build, residual, `${at}.ln_1`, d);
      const [query, key, value] = split(build, linear(build, x, `${at}.attn.c_attn`, conv(d, 3 * d)), [
        d,
        d,
        d,
      ]);
      const scale =
        (config.scale_attn_weights ? headSize ** -0.5 : 1) /
        (config.scale_attn_by_inverse_layer_idx ? index + 1 : 1);
      const mixed = attention(build, query!, key!, value!, { heads, kvHeads: heads, headSize, scale });
      const afterAttention = graph.node('Add', [
        residual,
        linear(build, mixed, `${at}.attn.c_proj`, conv(d, d)),
      ]);
      const y = norm(build, afterAttention, `${at}.ln_2`, d);
      const hidden = activate(build, linear(build, y, `${at}.mlp.c_fc`, conv(d, inner)), activation);
      return graph.node('Add', [afterAttention, linear(build, hidden, `${at}.mlp.c_proj`, conv(inner, d))]);
    },

    head(build, residual) {
      const x = norm(build, residual, `${prefix}ln_f`, d);
      const name = config.tie_word_embeddings ? `${prefix}wte` : 'lm_head';
      return linear(build, x, name, { from: d, to: vocabulary });
    },
  };
}
