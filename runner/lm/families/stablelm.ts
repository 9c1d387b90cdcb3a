import { z } from 'zod';
import { layerNorm, type Norm } from '../blocks/norm.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { checkShares, decoderBlock, decoderEnds, decoderFields, readDecoder } from './decoder.ts';
import { type Family, size } from './family.ts';
import { configKeys, readConfig, unsupported } from './keys.ts';
import { partialRopeFields, readRotary } from './rope.ts';

const { rms_norm_eps: _, ...fields } = decoderFields({
  vocabulary: 50_304,
  width: 2560,
  inner: 6912,
  blocks: 32,
  heads: 32,
  context: 4096,
});

export const stablelmKeys = configKeys(
  'StableLm',
  {
    ...fields,
    ...partialRopeFields,
    num_key_value_heads: size.default(32),
    hidden_act: z.string().default('silu'),
    layer_norm_eps: z.number().nonnegative().default(1e-5),
    use_qkv_bias: z.boolean().default(false),
    qk_layernorm: z.boolean().default(false),
    use_parallel_residual: z.boolean().default(false),
    // Of the rotary positions alone, where it must be what the heads have.
    head_dim: size.optional(),
  },
  { withoutEffect: { hidden_dropout: z.number().optional() } },
);

/** StableLM 2 and 3B: Llama with layer norms, a part of each head turned, and in some models a norm of its own for each head. */
export function stablelm(checkpoint: Checkpoint): Family {
  const read = readConfig(checkpoint, stablelmKeys);
  const config = { ...read, rms_norm_eps: read.layer_norm_eps };
  checkShares(checkpoint, config.hidden_size, config.num_attention_heads);
  const share = config.hidden_size / config.num_attention_heads;
  if ((config.head_dim ?? share) !== share) {
    throw unsupported(checkpoint, 'head_dim', `${config.head_dim}`, `${share}, the heads’ share`);
  }
  const decoder = readDecoder(checkpoint, config, config.hidden_act, layerNorm);
  const rotary = readRotary(checkpoint, config, decoder, {
    partial: config.partial_rotary_factor ?? 0.25,
    pairs: true,
  });
  const qkNorm = config.qk_layernorm
    ? { norm: normOfEachHead(config.layer_norm_eps, decoder.headSize), normName: 'layernorm' }
    : {};
  const parallel = config.use_parallel_residual;
  const before = { before: 'input_layernorm' };
  return {
    name: 'stablelm',
    ...decoderEnds(decoder),
    block: decoderBlock(decoder, {
      attention: () => ({ rotary, bias: config.use_qkv_bias, ...qkNorm }),
      ...(parallel && { parallel, norms: { attention: before, mlp: before } }),
    }),
  };
}

/** Mean and variance of every head removed, then a weight for each: `name`.norms.{i} [headSize]. */
function normOfEachHead(epsilon: number, headSize: number): Norm {
  return (build, x, name, width) => {
    const { graph } = build;
    const count = width / headSize;
    const heads = graph.node('Reshape', [x, graph.int64s([-1, count, headSize])]);
    const ones = graph.floats(new Float32Array(headSize).fill(1), [headSize]);
    const normed = graph.node('LayerNormalization', [heads, ones], {
      attributes: { axis: -1, epsilon: { float: epsilon } },
    });
    const weights = Array.from({ length: count }, (_, head) =>
      graph.node('Reshape', [
        build.weight(`${name}.norms.${head}.weight`, [headSize]),
        graph.int64s([1, headSize]),
      ]),
    );
    const all = graph.node('Concat', weights, { attributes: { axis: 0 } });
    return graph.node('Reshape', [graph.node('Mul', [normed, all]), graph.int64s([-1, width])]);
  };
}
