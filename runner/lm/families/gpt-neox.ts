import { z } from 'zod';
import type { Value } from '../../onnx/graph.ts';
import { attention } from '../blocks/attention.ts';
import { embedding, linear, split } from '../blocks/linear.ts';
import { activate } from '../blocks/mlp.ts';
import { layerNorm } from '../blocks/norm.ts';
import type { Build } from '../build.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { readActivation } from './decoder.ts';
import { type Family, readConfig, size, unsupported } from './family.ts';
import { readRotary, ropeFields } from './rope.ts';

const configSchema = z.object({
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: size,
  num_attention_heads: size,
  vocab_size: size,
  max_position_embeddings: size,
  layer_norm_eps: z.number().positive().default(1e-5),
  hidden_act: z.string().default('gelu'),
  rotary_pct: z.number().positive().max(1).nullish(),
  rotary_emb_base: z.number().positive().nullish(),
  ...ropeFields,
  use_parallel_residual: z.boolean().default(true),
  attention_bias: z.boolean().default(true),
  tie_word_embeddings: z.boolean().default(false),
});

/** GPT-NeoX and Pythia: attention and MLP side by side, a part of each head turned, one fused product per head. */
export function gptNeox(checkpoint: Checkpoint): Family {
  const config = readConfig(checkpoint, configSchema);
  const d = config.hidden_size;
  const inner = config.intermediate_size;
  const heads = config.num_attention_heads;
  const headSize = d / heads;
  if (!Number.isInteger(headSize)) {
    throw unsupported(checkpoint, 'num_attention_heads', `${heads} heads of ${d} numbers`, 'a divisor of d');
  }
  const vocabulary = config.vocab_size;
  const activation = readActivation(checkpoint, config.hidden_act);
  const norm = layerNorm(config.layer_norm_eps);
  const bias = config.attention_bias;
  const rotary = readRotary(
    checkpoint,
    config,
    { headSize, contextLength: config.max_position_embeddings },
    { theta: config.rotary_emb_base ?? 10_000, partial: config.rotary_pct ?? 0.25 },
  );

  function selfAttention(build: Build, x: Value, name: string): Value {
    const { graph } = build;
    const fused = linear(build, x, `${name}.query_key_value`, { from: d, to: 3 * d, bias });
    const byHead = graph.node('Reshape', [fused, graph.int64s([-1, heads, 3 * headSize])]);
    const [query, key, value] = split(build, byHead, [headSize, headSize, headSize]).map((part) =>
      graph.node('Reshape', [part, graph.int64s([-1, d])]),
    );
    const shape = { heads, kvHeads: heads, headSize, rotary };
    return linear(build, attention(build, query!, key!, value!, shape), `${name}.dense`, {
      from: d,
      to: d,
      bias,
    });
  }

  function mlp(build: Build, x: Value, name: string): Value {
    const hidden = linear(build, x, `${name}.dense_h_to_4h`, { from: d, to: inner, bias: true });
    const active = activate(build, hidden, activation);
    return linear(build, active, `${name}.dense_4h_to_h`, { from: inner, to: d, bias: true });
  }

  return {
    name: 'gpt_neox',
    blocks: config.num_hidden_layers,
    dModel: d,
    vocabulary,
    contextLength: config.max_position_embeddings,
    embed: (build, ids) => embedding(build, ids, 'gpt_neox.embed_in', vocabulary, d),
    block(build, index, residual) {
      const { graph } = build;
      const at = `gpt_neox.layers.${index}`;
      const x = norm(build, residual, `${at}.input_layernorm`, d);
      const mixed = graph.node('Add', [residual, selfAttention(build, x, `${at}.attention`)]);
      const before = config.use_parallel_residual ? residual : mixed;
      const y = norm(build, before, `${at}.post_attention_layernorm`, d);
      return graph.node('Add', [mixed, mlp(build, y, `${at}.mlp`)]);
    },
    head(build, residual) {
      const x = norm(build, residual, 'gpt_neox.final_layer_norm', d);
      const own = checkpoint.tensors.has('lm_head.weight') ? 'lm_head' : 'embed_out';
      const name = config.tie_word_embeddings ? 'gpt_neox.embed_in' : own;
      return linear(build, x, name, { from: d, to: vocabulary });
    },
  };
}
