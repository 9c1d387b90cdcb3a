import { z } from 'zod';
import type { Value } from '../../onnx/graph.ts';
import { experts } from '../blocks/experts.ts';
import { split } from '../blocks/linear.ts';
import { activate, gatedMlp } from '../blocks/mlp.ts';
import { bareRmsNorm, headNorm, rmsNorm } from '../blocks/norm.ts';
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
import { routerUnused } from './qwen2-moe.ts';
import { readRotary, ropeFields } from './rope.ts';

export const llama4Keys = configKeys(
  'Llama4',
  {
    ...decoderFields({
      vocabulary: 202_048,
      width: 5120,
      inner: 8192,
      blocks: 48,
      heads: 40,
      context: 131_072,
      epsilon: 1e-5,
    }),
    ...ropeFields,
    num_key_value_heads: size.nullable().default(8),
    head_dim: size.nullable().default(128),
    hidden_act: z.string().default('silu'),
    attention_bias: z.boolean().default(false),
    intermediate_size_mlp: size.default(16_384),
    num_experts_per_tok: size.default(1),
    num_local_experts: size.default(16),
    moe_layers: z.array(z.int()).nullish(),
    interleave_moe_layer_step: size.default(1),
    use_qk_norm: z.boolean().default(true),
    no_rope_layers: z.array(z.int()).nullish(),
    no_rope_layer_interval: size.default(4),
    attention_chunk_size: size.nullable().default(8192),
    layer_types: z.array(z.string()).nullish(),
    attn_temperature_tuning: z.boolean().default(true),
    floor_scale: size.default(8192),
    attn_scale: z.number().default(0.1),
  },
  { withoutEffect: { ...routerUnused, router_jitter_noise: z.number().optional() } },
);

/**
 * Llama 4 (text): experts beside one that every token goes to; layers with positions see stretches of a row, every fourth has
 * none and sees all of it, with queries that grow along it.
 */
export function llama4(checkpoint: Checkpoint): Family {
  const text = textPart(checkpoint);
  const config = readConfig(text, llama4Keys);
  // A model saved without its head is not read by transformers either.
  const decoder = readDecoder(text, config, config.hidden_act, rmsNorm, {
    prefixes: ['model.'],
    layers: 'layers',
    embedding: 'embed_tokens',
  });
  const { blocks, headSize } = decoder;
  const rotary = { ...readRotary(text, config, decoder, { theta: 500_000 }), interleaved: true };
  const given = config.no_rope_layers?.length ? config.no_rope_layers : null;
  // Kinds of layers that are not given follow from it.
  if (given !== null && (given.length < blocks || (config.layer_types == null && given.length > blocks))) {
    throw unsupported(text, 'no_rope_layers', `${given.length} entries`, `${blocks}`);
  }
  // Those with a 0 have no positions, whatever the name says.
  const turns = (index: number): boolean =>
    given === null ? (index + 1) % config.no_rope_layer_interval !== 0 : given[index] !== 0;
  const types =
    readLayerTypes(text, config.layer_types, blocks, ['full', 'chunked']) ??
    Array.from({ length: blocks }, (_, i) =>
      turns(i) && config.attention_chunk_size !== null ? 'chunked' : 'full',
    );
  if (types.includes('chunked') && config.attention_chunk_size === null) {
    throw unsupported(text, 'attention_chunk_size', 'null', 'a number, which layers ask for');
  }
  // Turning changes no length, so that what is normed before is as what is normed behind.
  if (config.use_qk_norm && rotary.factor !== 1) {
    throw unsupported(text, 'rope scaling', `a factor of ${rotary.factor} beside use_qk_norm`, '1');
  }
  const norm = headNorm(bareRmsNorm(config.rms_norm_eps), headSize);
  const bias = config.attention_bias;
  const growing = (position: number): number =>
    1 + config.attn_scale * Math.log1p(Math.floor((position + 1) / config.floor_scale));
  return {
    name: 'llama4',
    ...decoderEnds(decoder),
    block: decoderBlock(decoder, {
      attention: (index) => ({
        bias,
        outBias: bias,
        ...(types[index] === 'chunked' && { chunk: config.attention_chunk_size! }),
        ...(turns(index) && { rotary, ...(config.use_qk_norm && { norm }) }),
        ...(!turns(index) && config.attn_temperature_tuning && { queryScale: growing }),
      }),
      mlp: feedForward(text, config, decoder),
    }),
  };
}

function feedForward(
  text: Checkpoint,
  config: z.output<z.ZodObject<typeof llama4Keys.read>>,
  { width, inner, blocks, activation }: Decoder,
): NonNullable<BlockParts['mlp']> {
  const { num_local_experts: count, num_experts_per_tok: chosen, interleave_moe_layer_step: step } = config;
  checkExperts(text, chosen, count);
  const sparse = new Set(
    config.moe_layers ?? Array.from({ length: blocks }, (_, i) => i).filter((i) => (i + 1) % step === 0),
  );
  return (build, x, at, index) => {
    const { graph } = build;
    const name = `${at}.feed_forward`;
    if (!sparse.has(index)) {
      return gatedMlp(build, x, name, { width, inner: config.intermediate_size_mlp, activation });
    }
    const product = (of: Value, part: string, sizes: [number, number], expert: number): Value =>
      graph.node('Gemm', [of, build.weight(`${name}.experts.${part}`, [count, ...sizes], expert)]);
    const mixed = experts(build, x, {
      width,
      count,
      chosen,
      router: `${name}.router`,
      normalise: false,
      sigmoid: true,
      weighsInput: true,
      expert(rows, expert) {
        const both = product(rows, 'gate_up_proj', [width, 2 * inner], expert);
        const [gate, up] = split(build, both, [inner, inner]) as [Value, Value];
        const gated = graph.node('Mul', [up, activate(build, gate, activation)]);
        return product(gated, 'down_proj', [inner, width], expert);
      },
    });
    const shared = gatedMlp(build, x, `${name}.shared_expert`, { width, inner, activation });
    return graph.node('Add', [shared, mixed]);
  };
}
