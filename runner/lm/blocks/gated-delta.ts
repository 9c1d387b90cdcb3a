import { none, type Value } from '../../onnx/graph.ts';
import { type Build, byRow } from '../build.ts';
import { linear, split } from './linear.ts';
import { type Activation, activate, sigmoid } from './mlp.ts';
import { type Norm, scaledRms } from './norm.ts';

export interface GatedDeltaShape {
  width: number;
  keyHeads: number;
  valueHeads: number;
  keySize: number;
  valueSize: number;
  /** Tokens the convolution looks at, the current one included. */
  kernel: number;
  /** Of what the convolution gives; the gate's is SiLU in every model. */
  activation: Activation;
  norm: Norm;
  /** Products in_proj_qkvz and in_proj_ba with all of a key's head together, instead of four. */
  byKeyHead?: boolean;
}

/** Added to a squared length before its root, as the models were trained. */
const LENGTH_EPSILON = 1e-6;

/**
 * Gated delta net (Yang et al. 2024): a state per head that decays, and is corrected by each token's key and value.
 * A short causal convolution goes before it, a gated norm after it. x [N, width] -> [N, valueHeads·valueSize].
 */
export function gatedDelta(build: Build, x: Value, name: string, shape: GatedDeltaShape): Value {
  const { graph } = build;
  const { keyHeads, valueHeads, keySize, valueSize } = shape;
  const keys = keyHeads * keySize;
  const values = valueHeads * valueSize;
  const parts = shape.byKeyHead ? productsByHead(build, x, name, shape) : products(build, x, name, shape);

  const mixed = convolve(build, parts.qkv, name, 2 * keys + values, shape);
  const [query, key, value] = split(build, mixed, [keys, keys, values]) as [Value, Value, Value];
  const beta = sigmoid(build, parts.b);
  // The state is a sum over the whole row: as in transformers it is kept in float32.
  const given = [unitHeads(build, query, keySize, keys), unitHeads(build, key, keySize, keys), value];
  const read = graph.inFloat32([...given, beta, parts.a], (q, k, v, share, a) => {
    const slowness = graph.node('Add', [a!, build.weight(`${name}.dt_bias`, [valueHeads])]);
    const rate = graph.node('Exp', [build.weight(`${name}.A_log`, [valueHeads])]);
    const decay = graph.node('Neg', [graph.node('Mul', [rate, graph.node('Softplus', [slowness])])]);
    return graph.nodes('LinearAttention', [q!, k!, v!, none, byRow(build, decay), byRow(build, share!)], {
      domain: 'com.microsoft',
      outputs: 2,
      attributes: {
        q_num_heads: keyHeads,
        kv_num_heads: valueHeads,
        update_rule: { string: 'gated_delta' },
        scale: { float: keySize ** -0.5 },
      },
    })[0]!;
  });

  const heads = (of: Value): Value => graph.node('Reshape', [of, graph.int64s([-1, valueSize])]);
  const gate = activate(build, heads(parts.z), 'silu');
  const gated = graph.node('Mul', [shape.norm(build, heads(read), `${name}.norm`, valueSize), gate]);
  return graph.node('Reshape', [gated, graph.int64s([-1, values])]);
}

type Products = Record<'qkv' | 'z' | 'a' | 'b', Value>;

function products(build: Build, x: Value, name: string, shape: GatedDeltaShape): Products {
  const { width, keyHeads, valueHeads, keySize, valueSize } = shape;
  const product = (part: string, to: number): Value =>
    linear(build, x, `${name}.in_proj_${part}`, { from: width, to });
  const values = valueHeads * valueSize;
  return {
    qkv: product('qkv', 2 * keyHeads * keySize + values),
    z: product('z', values),
    a: product('a', valueHeads),
    b: product('b', valueHeads),
  };
}

/** The same of [keyHeads · (query, key, values, gates)] and [keyHeads · (b, a)]. */
function productsByHead(build: Build, x: Value, name: string, shape: GatedDeltaShape): Products {
  const { graph } = build;
  const { width, keyHeads, valueHeads, keySize, valueSize } = shape;
  const group = valueHeads / keyHeads;
  const product = (part: string, sizes: readonly number[]): Value[] => {
    const perHead = sizes.reduce((sum, each) => sum + each, 0);
    const all = linear(build, x, `${name}.in_proj_${part}`, { from: width, to: keyHeads * perHead });
    const byHead = graph.node('Reshape', [all, graph.int64s([-1, keyHeads, perHead])]);
    return split(build, byHead, sizes).map((each, i) =>
      graph.node('Reshape', [each, graph.int64s([-1, keyHeads * sizes[i]!])]),
    );
  };
  const values = group * valueSize;
  const [q, k, v, z] = product('qkvz', [keySize, keySize, values, values]) as [Value, Value, Value, Value];
  const [b, a] = product('ba', [group, group]) as [Value, Value];
  return { qkv: graph.node('Concat', [q, k, v], { attributes: { axis: -1 } }), z, a, b };
}

/** Its output projection: [N, valueHeads·valueSize] -> [N, width]. */
export function gatedDeltaOutput(
  build: Build,
  mixed: Value,
  name: string,
  { width, valueHeads, valueSize }: GatedDeltaShape,
): Value {
  return linear(build, mixed, `${name}.out_proj`, { from: valueHeads * valueSize, to: width });
}

/** Each channel's weighted sum over its last `kernel` tokens, activated: [N, channels] -> [rows, tokens, channels]. */
function convolve(
  build: Build,
  x: Value,
  name: string,
  channels: number,
  { kernel, activation }: GatedDeltaShape,
): Value {
  const { graph } = build;
  const turn = (of: Value): Value =>
    graph.node('Transpose', [of], { attributes: { perm: { ints: [0, 2, 1] } } });
  const isSilu = activation === 'silu' || activation === 'swish';
  const weight = build.weight(`${name}.conv1d.weight`, [channels, 1, kernel]);
  const [out] = graph.nodes('CausalConvWithState', [turn(byRow(build, x)), weight], {
    domain: 'com.microsoft',
    outputs: 2,
    attributes: { activation: { string: isSilu ? 'silu' : 'none' }, ndim: 1 },
  });
  return turn(isSilu ? out! : activate(build, out!, activation));
}

/** Every head divided by its length √(Σx² + ε), which is a root-mean-square norm with another ε and a constant weight. */
function unitHeads(build: Build, x: Value, headSize: number, width: number): Value {
  const { graph } = build;
  const heads = graph.node('Reshape', [x, graph.int64s([-1, headSize])]);
  const weight = graph.floats(new Float32Array(headSize).fill(headSize ** -0.5), [headSize]);
  const unit = scaledRms(build, heads, weight, LENGTH_EPSILON / headSize);
  return byRow(build, graph.node('Reshape', [unit, graph.int64s([-1, width])]));
}
