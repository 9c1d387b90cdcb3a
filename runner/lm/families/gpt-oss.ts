import { z } from 'zod';
import type { Value } from '../../onnx/graph.ts';
import { experts } from '../blocks/experts.ts';
import { clip } from '../blocks/linear.ts';
import { sigmoid } from '../blocks/mlp.ts';
import { mxfp4 } from '../blocks/mxfp4.ts';
import type { Build } from '../build.ts';
import type { Checkpoint } from '../checkpoint.ts';
import {
  checkExperts,
  decoderBlock,
  decoderEnds,
  decoderFields,
  readDecoder,
  readWindows,
} from './decoder.ts';
import { type Family, size } from './family.ts';
import { configKeys, readConfig, unsupported } from './keys.ts';
import { readRotary, ropeFields } from './rope.ts';

export const gptOssKeys = configKeys(
  'GptOss',
  {
    ...decoderFields({
      vocabulary: 201_088,
      width: 2880,
      inner: 2880,
      blocks: 36,
      heads: 64,
      context: 131_072,
      epsilon: 1e-5,
    }),
    ...ropeFields,
    head_dim: size.nullable().default(64),
    num_key_value_heads: size.nullable().default(8),
    attention_bias: z.boolean().default(true),
    sliding_window: z.int().nullable().default(128),
    layer_types: z.array(z.string()).nullish(),
    num_local_experts: size.default(128),
    num_experts_per_tok: size.default(4),
    swiglu_alpha: z.number().default(1.702),
    swiglu_limit: z.number().positive().default(7),
    quantization_config: z.object({ quant_method: z.string() }).nullish(),
  },
  {
    withoutEffect: {
      // The experts have an activation of their own.
      hidden_act: z.string().optional(),
      output_router_logits: z.boolean().optional(),
      router_aux_loss_coef: z.number().optional(),
    },
    aliases: { num_experts: 'num_local_experts' },
  },
);

/** Positions of a config that has no settings for them. */
const YARN = {
  rope_type: 'yarn',
  factor: 32,
  beta_fast: 32,
  beta_slow: 1,
  truncate: false,
  original_max_position_embeddings: 4096,
};
const THETA = 150_000;

/** gpt-oss: experts with biases and a clipped activation, windows in every other block, and sinks in attention. */
export function gptOss(checkpoint: Checkpoint): Family {
  const config = readConfig(checkpoint, gptOssKeys);
  const method = config.quantization_config?.quant_method;
  if (method !== undefined && method !== 'mxfp4') {
    throw unsupported(checkpoint, 'quantization_config', method.slice(0, 100), 'mxfp4, or none');
  }
  const decoder = readDecoder(checkpoint, config, 'silu');
  const { width, inner } = decoder;
  const rope = { ...config, rope_parameters: config.rope_parameters ?? YARN };
  const rotary = readRotary(checkpoint, rope, decoder, { theta: THETA });
  const [count, chosen] = [config.num_local_experts, config.num_experts_per_tok];
  checkExperts(checkpoint, chosen, count);
  const windows = readWindows(
    checkpoint,
    { count: decoder.blocks, types: config.layer_types, window: config.sliding_window },
    (index) => index % 2 === 0,
  );
  const bias = config.attention_bias;
  const weight = method === undefined ? plainWeight : packedWeight;

  function expert(build: Build, name: string, x: Value, index: number): Value {
    const { graph } = build;
    const product = (from: Value, part: string, sizes: { from: number; to: number }): Value => {
      const shape = { count, ...sizes };
      const offset = build.weight(`${name}.${part}_bias`, [count, sizes.to], index);
      const [matrix, transposed] = weight(build, `${name}.${part}`, shape, index);
      return graph.node('Gemm', [from, matrix, offset], { attributes: { transB: transposed ? 1 : 0 } });
    };
    const both = product(x, 'gate_up_proj', { from: width, to: 2 * inner });
    // Gate and up take turns.
    const pairs = graph.node('Reshape', [both, graph.int64s([-1, inner, 2])]);
    const [gate, up] = [0, 1].map((part) =>
      graph.node('Gather', [pairs, graph.int64s([part], [])], { attributes: { axis: -1 } }),
    );
    const limit = graph.scalar(config.swiglu_limit);
    const clipped = graph.node('Min', [gate!, limit]);
    const gain = graph.node('Mul', [clipped, graph.scalar(config.swiglu_alpha)]);
    const glu = graph.node('Mul', [clipped, sigmoid(build, gain)]);
    const bounded = clip(build, up!, -config.swiglu_limit, config.swiglu_limit);
    const linear = graph.node('Add', [bounded, graph.scalar(1)]);
    return product(graph.node('Mul', [linear, glu]), 'down_proj', { from: inner, to: width });
  }

  return {
    name: 'gpt_oss',
    ...decoderEnds(decoder),
    block: decoderBlock(decoder, {
      attention: (index) => ({
        rotary,
        bias,
        outBias: bias,
        window: windows[index],
        sinks: `${decoder.names.model}layers.${index}.self_attn.sinks`,
      }),
      mlp: (build, x, at) =>
        experts(build, x, {
          width,
          count,
          chosen,
          router: `${at}.mlp.router`,
          routerBias: true,
          normalise: true,
          expert: (rows, index) => expert(build, `${at}.mlp.experts`, rows, index),
        }),
    }),
  };
}

interface ExpertSizes {
  count: number;
  from: number;
  to: number;
}

/** One expert's matrix, and whether it lies [to, from]. */
type ExpertWeight = (build: Build, name: string, sizes: ExpertSizes, index: number) => [Value, boolean];

const plainWeight: ExpertWeight = (build, name, { count, from, to }, index) => [
  build.weight(name, [count, from, to], index),
  false,
];

const packedWeight: ExpertWeight = (build, name, sizes, index) => [mxfp4(build, name, sizes, index), true];
