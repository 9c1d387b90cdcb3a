import { z } from 'zod';
import { attention } from '../blocks/attention.ts';
import { normedHead } from '../blocks/head.ts';
import { embedding, learnedPositions, linear, split } from '../blocks/linear.ts';
import { activate } from '../blocks/mlp.ts';
import { layerNorm } from '../blocks/norm.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { checkShares, endNames, readActivation } from './decoder.ts';
import { type Family, size } from './family.ts';
import { configKeys, readConfig, unsupported } from './keys.ts';

const drop = z.number().optional();

export const gpt2Keys = configKeys(
  'GPT2',
  {
    n_embd: size.default(768),
    n_layer: size.default(12),
    n_head: size.default(12),
    n_positions: size.default(1024),
    n_inner: size.nullish(),
    vocab_size: size.default(50_257),
    layer_norm_epsilon: z.number().nonnegative().default(1e-5),
    activation_function: z.string().default('gelu_new'),
    scale_attn_weights: z.boolean().default(true),
    scale_attn_by_inverse_layer_idx: z.boolean().default(false),
    add_cross_attention: z.boolean().default(false),
    tie_word_embeddings: z.boolean().default(true),
  },
  {
    withoutEffect: {
      resid_pdrop: drop,
      embd_pdrop: drop,
      attn_pdrop: drop,
      summary_first_dropout: drop,
      summary_type: z.string().optional(),
      summary_use_proj: z.boolean().optional(),
      summary_activation: z.string().nullish(),
      summary_proj_to_labels: z.boolean().optional(),
      reorder_and_upcast_attn: z.boolean().optional(),
      pad_token_id: z.int().nullish(),
      rope_theta: z.unknown().optional(),
      partial_rotary_factor: z.unknown().optional(),
    },
    // Its positions are learned: settings of turning ones are of another model.
    fixed: { rope_scaling: [null, {}], rope_parameters: [null, {}] },
    aliases: {
      hidden_size: 'n_embd',
      max_position_embeddings: 'n_positions',
      num_attention_heads: 'n_head',
      num_hidden_layers: 'n_layer',
    },
  },
);

/** GPT-2: learned positions, layer norms with biases, weights stored input first (Conv1D). */
export function gpt2(checkpoint: Checkpoint): Family {
  const config = readConfig(checkpoint, gpt2Keys);
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
  const prefix = checkpoint.tensors.has('transformer.wpe.weight') ? 'transformer.' : '';
  const conv = (from: number, to: number) => ({ from, to, bias: true, inputFirst: true });
  checkShares(checkpoint, d, heads);
  const headSize = d / heads;
  const names = endNames(checkpoint, {
    embedding: `${prefix}wte`,
    heads: ['lm_head'],
    tied: config.tie_word_embeddings,
  });

  return {
    name: 'gpt2',
    blocks: config.n_layer,
    dModel: d,
    vocabulary,
    contextLength: config.n_positions,

    embed: (build, ids) =>
      learnedPositions(build, embedding(build, ids, names.embedding, vocabulary, d), {
        name: `${prefix}wpe`,
        positions: config.n_positions,
        width: d,
      }),

    block(index) {
      const at = `${prefix}h.${index}`;
      const scale =
        (config.scale_attn_weights ? headSize ** -0.5 : 1) /
        (config.scale_attn_by_inverse_layer_idx ? index + 1 : 1);
      return {
        parallel: false,
        mixedWidth: d,
        beforeAttention: (build, x) => norm(build, x, `${at}.ln_1`, d),
        mix(build, x) {
          const fused = linear(build, x, `${at}.attn.c_attn`, conv(d, 3 * d));
          const [query, key, value] = split(build, fused, [d, d, d]);
          return attention(build, query!, key!, value!, { heads, kvHeads: heads, headSize, scale });
        },
        afterAttention: (build, mixed) => linear(build, mixed, `${at}.attn.c_proj`, conv(d, d)),
        beforeMlp: (build, x) => norm(build, x, `${at}.ln_2`, d),
        mlp(build, x) {
          const hidden = activate(build, linear(build, x, `${at}.mlp.c_fc`, conv(d, inner)), activation);
          return linear(build, hidden, `${at}.mlp.c_proj`, conv(inner, d));
        },
      };
    },

    ...normedHead(norm, { norm: `${prefix}ln_f`, weight: names.head }, { width: d, vocabulary }),
  };
}
