/** Multi-head latent attention (DeepSeek-V2 2024): keys and values are products of a narrow latent, one turned key for all heads. */
import type { Value } from '../../onnx/graph.ts';
import type { Build } from '../build.ts';
import { attention } from './attention.ts';
import { linear, split } from './linear.ts';
import type { Norm } from './norm.ts';
import type { Rotary } from './rotary.ts';

export interface LatentAttentionShape {
  width: number;
  heads: number;
  /** Numbers of the latent that queries are products of; null: they are products of x. */
  queryRank: number | null;
  /** Of that of keys and values. */
  rank: number;
  /** Numbers of a query's and key's head that do not turn, that do, and of a value's head. */
  plain: number;
  turned: number;
  value: number;
  /** Biases of what makes the latents, and of the output. */
  bias: boolean;
  rotary: Rotary;
  scale: number;
  /** Of the latents. */
  norm: Norm;
}

/** x [N, width] -> [N, heads·value]. */
export function latentAttention(build: Build, x: Value, name: string, shape: LatentAttentionShape): Value {
  const { graph } = build;
  const { width, heads, queryRank, rank, plain, turned, value, bias, norm } = shape;
  const [keySize, wide] = [plain + turned, Math.max(plain + turned, value)];
  const product = (of: Value, part: string, sizes: { from: number; to: number }, biased = false): Value =>
    linear(build, of, `${name}.${part}`, { ...sizes, bias: biased });
  const byHead = (of: Value, sizes: readonly number[]): Value[] => {
    const size = sizes.reduce((sum, each) => sum + each, 0);
    return split(build, graph.node('Reshape', [of, graph.int64s([-1, heads, size])]), sizes);
  };
  /** The numbers that turn come first, where attention turns them; zeros at the end change nothing. */
  const together = (parts: readonly Value[], size: number): Value => {
    const all = parts.length === 1 ? parts[0]! : graph.node('Concat', parts, { attributes: { axis: 2 } });
    const zeros = graph.int64s([0, 0, 0, 0, 0, wide - size]);
    // CUDA has no Pad in bfloat16.
    const padded = size === wide ? all : graph.inFloat32([all], (of) => graph.node('Pad', [of!, zeros]));
    return graph.node('Reshape', [padded, graph.int64s([-1, heads * wide])]);
  };

  const toQueries = { from: queryRank ?? width, to: heads * keySize };
  const queries =
    queryRank === null
      ? product(x, 'q_proj', toQueries)
      : product(
          norm(
            build,
            product(x, 'q_a_proj', { from: width, to: queryRank }, bias),
            `${name}.q_a_layernorm`,
            queryRank,
          ),
          'q_b_proj',
          toQueries,
        );
  const [plainQuery, turnedQuery] = byHead(queries, [plain, turned]) as [Value, Value];

  const narrow = product(x, 'kv_a_proj_with_mqa', { from: width, to: rank + turned }, bias);
  const [latent, sharedKey] = split(build, narrow, [rank, turned]) as [Value, Value];
  const normed = norm(build, latent, `${name}.kv_a_layernorm`, rank);
  const both = product(normed, 'kv_b_proj', { from: rank, to: heads * (plain + value) });
  const [plainKey, values] = byHead(both, [plain, value]) as [Value, Value];
  const one = graph.node('Unsqueeze', [sharedKey, graph.int64s([1])]);
  const turnedKey = graph.node('Expand', [one, graph.int64s([1, heads, 1])]);

  const mixed = attention(
    build,
    together([turnedQuery, plainQuery], keySize),
    together([turnedKey, plainKey], keySize),
    together([values], value),
    { heads, kvHeads: heads, headSize: wide, rotary: shape.rotary, scale: shape.scale },
  );
  if (value === wide) return mixed;
  const heads3 = graph.node('Reshape', [mixed, graph.int64s([-1, heads, wide])]);
  const cut = graph.node('Slice', [heads3, graph.int64s([0]), graph.int64s([value]), graph.int64s([2])]);
  return graph.node('Reshape', [cut, graph.int64s([-1, heads * value])]);
}

/** Its output projection: [N, heads·value] -> [N, width]. */
export function latentOutput(build: Build, mixed: Value, name: string, shape: LatentAttentionShape): Value {
  const { width, heads, value, bias } = shape;
  return linear(build, mixed, `${name}.o_proj`, { from: heads * value, to: width, bias });
}
