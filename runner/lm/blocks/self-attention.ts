import type { Value } from '../../onnx/graph.ts';
import { type Build, byRow } from '../build.ts';
import { attention } from './attention.ts';
import type { AttentionShape } from './attention-shape.ts';
import type { Aside } from './block.ts';
import { clip, linear, split } from './linear.ts';
import { sigmoid } from './mlp.ts';
import type { Norm } from './norm.ts';

export interface SelfAttentionShape extends AttentionShape {
  width: number;
  /** Biases of q_proj, k_proj and v_proj. */
  bias?: boolean;
  /** Bias of the output projection. */
  outBias?: boolean;
  /** Its name; default o_proj. */
  outName?: string;
  /** Norm of queries and keys before they are turned (q_norm, k_norm). */
  norm?: Norm;
  /** What stands behind q_ and k_ in their names. */
  normName?: string;
  /** Norm of values (v_norm). */
  valueNorm?: Norm;
  /** Values are what k_proj gives, before it is normed. */
  keysAreValues?: boolean;
  /** Keys and values are those of an earlier block, or are kept for later ones, by this name. */
  shared?: { name: string; made: boolean };
  /** Queries, keys and values are kept within ± this, after their norms. */
  clip?: number | undefined;
  /** What queries at a position of a row (from 0) are multiplied by; absent: 1. */
  queryScale?: (position: number) => number;
  /** One product qkv_proj instead of three. */
  fused?: boolean;
  /** q_proj gives each head's query and after it a gate, by whose sigmoid the head's output is multiplied. */
  gated?: boolean;
}

/** Attention from x [N, width] with Llama's names, {q,k,v}_proj under `name`, to what the heads mix: [N, heads·headSize]. */
export function selfAttention(
  build: Build,
  x: Value,
  name: string,
  shape: SelfAttentionShape,
  aside: Aside = new Map(),
): Value {
  const { graph } = build;
  const { width, bias = false, norm, headSize } = shape;
  const queries = shape.heads * headSize;
  const keys = shape.kvHeads * headSize;
  const product = (part: string, to: number): Value =>
    linear(build, x, `${name}.${part}_proj`, { from: width, to, bias });
  const { normName = 'norm' } = shape;
  const normed = (value: Value, part: string, size: number, by: Norm | undefined): Value => {
    const found = by === undefined ? value : by(build, value, `${name}.${part}_${normName}`, size);
    if (shape.clip === undefined) return found;
    return clip(build, found, -shape.clip, shape.clip);
  };

  const taken = shape.shared?.made === false;
  const [q, k, own] = shape.fused
    ? (split(build, product('qkv', queries + 2 * keys), [queries, keys, keys]) as [Value, Value, Value])
    : [
        product('q', shape.gated ? 2 * queries : queries),
        taken ? undefined : product('k', keys),
        taken || shape.keysAreValues ? undefined : product('v', keys),
      ];
  const { query, gate } = shape.gated ? splitGate(build, q, shape.heads, headSize) : { query: q };
  const scaled = byPosition(build, normed(query, 'q', queries, norm), shape.queryScale);
  const { shared } = shape;
  // Before they are turned, which attention does again where they are taken.
  const key = k === undefined ? aside.get(`${shared!.name} keys`)! : normed(k, 'k', keys, norm);
  const value =
    k === undefined ? aside.get(`${shared!.name} values`)! : normed(own ?? k, 'v', keys, shape.valueNorm);
  if (shared?.made) {
    aside.set(`${shared.name} keys`, key);
    aside.set(`${shared.name} values`, value);
  }
  const mixed = attention(build, scaled, key, value, shape);
  return gate === undefined ? mixed : graph.node('Mul', [mixed, sigmoid(build, gate)]);
}

/** x [N, width], each row times the number of its position. */
function byPosition(build: Build, x: Value, scale: SelfAttentionShape['queryScale']): Value {
  const { graph, rowsAndTokens, maxTokens } = build;
  const scales = Float32Array.from({ length: maxTokens }, (_, position) => scale?.(position) ?? 1);
  if (scales.every((each) => each === 1)) return x;
  const all = graph.floats(scales, [scales.length, 1]);
  const tokens = graph.node('Gather', [rowsAndTokens, graph.int64s([1])]);
  const scaled = graph.node('Mul', [byRow(build, x), graph.node('Slice', [all, graph.int64s([0]), tokens])]);
  return graph.node('Reshape', [scaled, graph.node('Shape', [x])]);
}

/** Its output projection: [N, heads·headSize] -> [N, width]. */
export function attentionOutput(
  build: Build,
  mixed: Value,
  name: string,
  { width, heads, headSize, outBias = false, outName = 'o_proj' }: SelfAttentionShape,
): Value {
  return linear(build, mixed, `${name}.${outName}`, { from: heads * headSize, to: width, bias: outBias });
}

/** [N, heads·(query, gate)] -> query and gate [N, heads·headSize]. */
function splitGate(build: Build, x: Value, heads: number, headSize: number): { query: Value; gate: Value } {
  const { graph } = build;
  const byHead = graph.node('Reshape', [x, graph.int64s([-1, heads, 2 * headSize])]);
  const [query, gate] = split(build, byHead, [headSize, headSize]).map((part) =>
    graph.node('Reshape', [part, graph.int64s([-1, heads * headSize])]),
  ) as [Value, Value];
  return { query, gate };
}
