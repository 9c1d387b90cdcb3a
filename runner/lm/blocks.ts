/** Parts that decoder families share. Activations are [rows·tokens, width] unless said otherwise. */
import { none, type Value } from '../onnx/graph.ts';
import type { Build } from './build.ts';

/** y = x·Wᵀ (+ b), W [out, in] as checkpoints store it: Gemm with transB uses it without a copy. */
export function linear(
  build: Build,
  x: Value,
  name: string,
  out: number,
  width: number,
  bias = false,
): Value {
  const inputs = [x, build.weight(`${name}.weight`, [out, width])];
  if (bias) inputs.push(build.weight(`${name}.bias`, [out]));
  return build.graph.node('Gemm', inputs, { attributes: { transB: 1 } });
}

/** Root-mean-square norm over the last axis (Zhang and Sennrich 2019). */
export function rmsNorm(build: Build, x: Value, name: string, width: number, epsilon: number): Value {
  return build.graph.node('SimplifiedLayerNormalization', [x, build.weight(`${name}.weight`, [width])], {
    attributes: { axis: -1, epsilon: { float: epsilon }, stash_type: 1 },
  });
}

/** Root-mean-square norm of every head on its own: x [N, heads·headSize]. */
export function headNorm(
  build: Build,
  x: Value,
  name: string,
  heads: number,
  headSize: number,
  epsilon: number,
): Value {
  const { graph } = build;
  const split = graph.node('Reshape', [x, graph.int64s([-1, headSize])]);
  return graph.node('Reshape', [
    rmsNorm(build, split, name, headSize, epsilon),
    graph.int64s([-1, heads * headSize]),
  ]);
}

export interface AttentionShape {
  heads: number;
  kvHeads: number;
  headSize: number;
  ropeTheta: number;
}

/**
 * Causal grouped-query attention with rotary positions 0..tokens−1 (Su et al. 2021, halves rotated together).
 * Rows padded on the right need no mask: no real token looks at a later one.
 *
 * @param query [N, heads·headSize]; key, value [N, kvHeads·headSize]
 * @returns [N, heads·headSize]
 */
export function attention(
  build: Build,
  query: Value,
  key: Value,
  value: Value,
  shape: AttentionShape,
): Value {
  const { graph, rowsAndTokens } = build;
  const byRow = (x: Value): Value =>
    graph.node('Reshape', [
      x,
      graph.node('Concat', [rowsAndTokens, graph.int64s([-1])], { attributes: { axis: 0 } }),
    ]);
  const at = (index: number): Value => graph.node('Gather', [rowsAndTokens, graph.int64s([index])]);
  const tokens = graph.node('Cast', [at(1)], { attributes: { to: 6 } });
  const lastToken = graph.node('Expand', [graph.node('Sub', [tokens, graph.int32s([1])]), at(0)]);
  const total = graph.node('Squeeze', [tokens, graph.int64s([0])]);
  const { cos, sin } = rotaryTables(build, shape.headSize, shape.ropeTheta);
  const [out] = graph.nodes(
    'GroupQueryAttention',
    [byRow(query), byRow(key), byRow(value), none, none, lastToken, total, cos, sin],
    {
      domain: 'com.microsoft',
      outputs: 3,
      attributes: {
        num_heads: shape.heads,
        kv_num_heads: shape.kvHeads,
        do_rotary: 1,
        rotary_interleaved: 0,
      },
    },
  );
  return graph.node('Reshape', [out as Value, graph.int64s([-1, shape.heads * shape.headSize])]);
}

/** cos and sin of position·theta^(−2i/headSize), [maxTokens, headSize/2]. */
function rotaryTables(build: Build, headSize: number, theta: number): { cos: Value; sin: Value } {
  const half = headSize / 2;
  const cos = new Float32Array(build.maxTokens * half);
  const sin = new Float32Array(build.maxTokens * half);
  for (let position = 0; position < build.maxTokens; position++) {
    for (let i = 0; i < half; i++) {
      // The frequency is rounded to float32 first, as the models were trained with it so.
      const angle = Math.fround(position * Math.fround(theta ** (-i / half)));
      cos[position * half + i] = Math.cos(angle);
      sin[position * half + i] = Math.sin(angle);
    }
  }
  const shape = [build.maxTokens, half];
  return { cos: build.graph.floats(cos, shape), sin: build.graph.floats(sin, shape) };
}

/** down(silu(gate(x)) · up(x)) (Shazeer 2020). */
export function swiGlu(build: Build, x: Value, name: string, width: number, inner: number): Value {
  const { graph } = build;
  const gate = linear(build, x, `${name}.gate_proj`, inner, width);
  const up = linear(build, x, `${name}.up_proj`, inner, width);
  const silu = graph.node('Mul', [gate, graph.node('Sigmoid', [gate])]);
  return linear(build, graph.node('Mul', [silu, up]), `${name}.down_proj`, width, inner);
}
