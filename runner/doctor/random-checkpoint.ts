/**
 * Small checkpoints of random weights, one for each kind of block that the families are made of. What a device makes of
 * them can be compared with the CPU on any machine: nothing is downloaded.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeSafetensors, type TensorToWrite } from '../formats/safetensors.ts';
import { type Aside, throughBlock } from '../lm/blocks/block.ts';
import type { Build } from '../lm/build.ts';
import { type Checkpoint, openCheckpoint } from '../lm/checkpoint.ts';
import { headInput } from '../lm/families/family.ts';
import { familyOf } from '../lm/families/index.ts';
import { random } from '../math/random.ts';
import { Graph } from '../onnx/graph.ts';
import { allKernels } from '../onnx/kernels.ts';

const decoder = {
  hidden_size: 128,
  intermediate_size: 256,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 64,
  hidden_act: 'silu',
  vocab_size: 256,
  max_position_embeddings: 2_048,
  rms_norm_eps: 1e-6,
  rope_theta: 10_000,
  tie_word_embeddings: false,
};

/** By what the block is made of: a `config.json` that has it. */
export const blockKinds: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'rotary attention, grouped keys': { ...decoder, model_type: 'llama' },
  'neighbours turned together': {
    ...decoder,
    model_type: 'glm4',
    attention_bias: true,
    partial_rotary_factor: 0.5,
    pad_token_id: null,
  },
  'sliding window': { ...decoder, model_type: 'mistral', sliding_window: 24 },
  'soft-capped attention': {
    ...decoder,
    model_type: 'gemma2',
    hidden_activation: 'gelu_pytorch_tanh',
    query_pre_attn_scalar: 64,
    attn_logit_softcapping: 1.5,
    final_logit_softcapping: 2.5,
    sliding_window: 24,
    tie_word_embeddings: true,
  },
  'layer norm, learned positions': {
    model_type: 'gpt2',
    activation_function: 'gelu_new',
    layer_norm_epsilon: 1e-5,
    n_embd: 128,
    n_head: 2,
    n_inner: null,
    n_layer: 2,
    n_positions: 2_048,
    vocab_size: 256,
  },
  experts: {
    ...decoder,
    model_type: 'mixtral',
    num_local_experts: 4,
    num_experts_per_tok: 2,
    sliding_window: null,
  },
  // Heads as large as those of Qwen3.5 and Qwen3.6: kernels are made for sizes.
  'gated delta nets': {
    model_type: 'qwen3_5',
    text_config: {
      ...decoder,
      head_dim: 256,
      model_type: 'qwen3_5_text',
      attn_output_gate: true,
      full_attention_interval: 2,
      linear_conv_kernel_dim: 4,
      linear_key_head_dim: 128,
      linear_num_key_heads: 2,
      linear_num_value_heads: 4,
      linear_value_head_dim: 128,
      rope_parameters: { rope_type: 'default', rope_theta: 10_000, partial_rotary_factor: 0.25 },
    },
  },
};

/** A llama whose speed says something: about 20 million parameters, 16 of them in its blocks. */
export const speedConfig = {
  ...decoder,
  model_type: 'llama',
  hidden_size: 512,
  intermediate_size: 1_536,
  num_hidden_layers: 4,
  num_attention_heads: 8,
  vocab_size: 4_096,
};

/**
 * Writes config.json and model.safetensors into an empty folder.
 *
 * @returns the checkpoint, opened
 */
export async function writeRandomCheckpoint(
  folder: string,
  config: Readonly<Record<string, unknown>>,
): Promise<Checkpoint> {
  const shapes = weightsOf({
    folder,
    config,
    tensors: new Map(),
    files: [],
    weightsFolder: folder,
    notes: [],
  });
  const stream = random('doctor', JSON.stringify(config));
  const tensors: Record<string, TensorToWrite> = {};
  for (const [name, shape] of shapes) {
    const isNorm = /norm|ln_/.test(name) && !name.endsWith('bias');
    // Keeps the size of activations from block to block, as trained weights do.
    const deviation = isNorm
      ? 0.1
      : shape.length > 1 && !/embed|wte|wpe/.test(name)
        ? shape.at(-1)! ** -0.5
        : 0.5;
    const length = shape.reduce((product, size) => product * size, 1);
    const data = Float32Array.from({ length }, () => (isNorm ? 1 : 0) + deviation * stream.gaussian());
    tensors[name] = { dtype: 'F32', shape, data };
  }
  await writeFile(join(folder, 'config.json'), JSON.stringify(config));
  await writeFile(join(folder, 'model.safetensors'), encodeSafetensors(tensors));
  return openCheckpoint(folder);
}

/** Names and shapes of the weights that a family's program asks for. */
export function weightsOf(checkpoint: Checkpoint): Map<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>();
  const graph = new Graph();
  const ids = graph.input('ids', 'int32', ['rows', 'tokens']);
  const build: Build = {
    graph,
    rowsAndTokens: graph.node('Shape', [ids]),
    maxTokens: 64,
    kernels: allKernels,
    weight(name, shape, part) {
      shapes.set(name, shape);
      return graph.external('float32', part === undefined ? shape : shape.slice(1), {
        file: name,
        offset: 0,
        length: 0,
      });
    },
    rows(name) {
      throw new TypeError(`${name}: random checkpoints have no tables but their embedding`);
    },
    bytes(name) {
      throw new TypeError(`${name}: random checkpoints have no quantised weights`);
    },
  };
  const family = familyOf(checkpoint);
  const aside: Aside = new Map();
  let residual = family.embed(build, ids, aside);
  for (let block = 0; block < family.blocks; block++)
    residual = throughBlock(build, family.block(block), residual, aside);
  family.head(build, headInput(family, build, residual, aside));
  return shapes;
}
