import { z } from 'zod';
import type { Value } from '../../onnx/graph.ts';
import { attention } from '../blocks/attention.ts';
import { normedHead } from '../blocks/head.ts';
import { embedding, linear, split } from '../blocks/linear.ts';
import { plainMlp } from '../blocks/mlp.ts';
import { layerNorm } from '../blocks/norm.ts';
import type { Build } from '../build.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { checkShares, endNames, readActivation } from './decoder.ts';
import { type Family, size } from './family.ts';
import { configKeys, readConfig, unsupported } from './keys.ts';
import { readRotary, ropeFields } from './rope.ts';

const drop = z.number().optional();

export const gptNeoxKeys = configKeys(
  'GPTNeoX',
  {
    vocab_size: size.default(50_432),
    hidden_size: size.default(6144),
    num_hidden_layers: size.default(44),
    num_attention_heads: size.default(64),
    intermediate_size: size.default(24_576),
    max_position_embeddings: size.default(2048),
    layer_norm_eps: z.number().nonnegative().default(1e-5),
    hidden_act: z.string().default('gelu'),
    rotary_pct: z.number().positive().max(1).default(0.25),
    rotary_emb_base: z.number().positive().default(10_000),
    rope_scaling: ropeFields.rope_scaling,
    rope_parameters: ropeFields.rope_parameters,
    original_max_position_embeddings: ropeFields.original_max_position_embeddings,
    use_parallel_residual: z.boolean().default(true),
    attention_bias: z.boolean().default(true),
    tie_word_embeddings: z.boolean().default(false),
    // Of the rotary positions alone, where it must be what the heads have.
    head_dim: size.nullish(),
  },
  {
    withoutEffect: {
      hidden_dropout: drop,
      classifier_dropout: drop,
      is_decoder: z.boolean().optional(),
      pad_token_id: z.int().nullish(),
      // The family's own names are `rotary_emb_base` and `rotary_pct`: transformers reads no others outside rope_parameters.
      rope_theta: z.unknown().optional(),
      partial_rotary_factor: z.unknown().optional(),
    },
  },
);

/** GPT-NeoX and Pythia: attention and MLP side by side, a part of each head turned, one fused product per head. */
export function gptNeox(checkpoint: Checkpoint): Family {
  const config = readConfig(checkpoint, gptNeoxKeys);
  const d = config.hidden_size;
  const inner = config.intermediate_size;
  const heads = config.num_attention_heads;
  checkShares(checkpoint, d, heads);
  const headSize = d / heads;
  if ((config.head_dim ?? headSize) !== headSize) {
    throw unsupported(checkpoint, 'head_dim', `${config.head_dim}`, `${headSize}, the heads’ share`);
  }
  // A model saved without its head has no prefix.
  const prefix = checkpoint.tensors.has('final_layer_norm.weight') ? '' : 'gpt_neox.';
  const names = endNames(checkpoint, {
    embedding: `${prefix}embed_in`,
    heads: ['embed_out', 'lm_head'],
    tied: config.tie_word_embeddings,
  });
  const vocabulary = config.vocab_size;
  const activation = readActivation(checkpoint, config.hidden_act);
  const norm = layerNorm(config.layer_norm_eps);
  const bias = config.attention_bias;
  const rotary = readRotary(
    checkpoint,
    config,
    { headSize, contextLength: config.max_position_embeddings },
    { theta: config.rotary_emb_base, partial: config.rotary_pct },
  );

  function selfAttention(build: Build, x: Value, name: string): Value {
    const { graph } = build;
    const fused = linear(build, x, `${name}.query_key_value`, { from: d, to: 3 * d, bias });
    const byHead = graph.node('Reshape', [fused, graph.int64s([-1, heads, 3 * headSize])]);
    const [query, key, value] = split(build, byHead, [headSize, headSize, headSize]).map((part) =>
      graph.node('Reshape', [part, graph.int64s([-1, d])]),
    );
    const shape = { heads, kvHeads: heads, headSize, rotary };
    return attention(build, query!, key!, value!, shape);
  }

  const mlp = {
    width: d,
    inner,
    activation,
    bias: true,
    names: { up: 'dense_h_to_4h', down: 'dense_4h_to_h' },
  };

  return {
    name: 'gpt_neox',
    blocks: config.num_hidden_layers,
    dModel: d,
    vocabulary,
    contextLength: config.max_position_embeddings,
    embed: (build, ids) => embedding(build, ids, names.embedding, vocabulary, d),
    block(index) {
      const at = `${prefix}layers.${index}`;
      return {
        parallel: config.use_parallel_residual,
        mixedWidth: d,
        beforeAttention: (build, x) => norm(build, x, `${at}.input_layernorm`, d),
        mix: (build, x) => selfAttention(build, x, `${at}.attention`),
        afterAttention: (build, mixed) =>
          linear(build, mixed, `${at}.attention.dense`, { from: d, to: d, bias }),
        beforeMlp: (build, x) => norm(build, x, `${at}.post_attention_layernorm`, d),
        mlp: (build, x) => plainMlp(build, x, `${at}.mlp`, mlp),
      };
    },
    ...normedHead(norm, { norm: `${prefix}final_layer_norm`, weight: names.head }, { width: d, vocabulary }),
  };
}
