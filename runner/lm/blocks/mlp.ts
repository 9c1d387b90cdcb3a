import { normalThreshold } from '../../math/student.ts';
import type { Value } from '../../onnx/graph.ts';
import type { Build } from '../build.ts';
import { clip, linear, split } from './linear.ts';

type Activate = (build: Build, x: Value) => Value;

const plain =
  (operator: string): Activate =>
  ({ graph }, x) =>
    graph.node(operator, [x]);

/**
 * Of operators that CUDA has not in bfloat16, or computes in it step by step: of 1 − 1 / (1 + eˣ) nothing is left at x = −6, and a tenth is
 * wrong at −3. PyTorch computes each in float32 and rounds once.
 */
const wide =
  (inner: Activate): Activate =>
  (build, x) =>
    build.graph.inFloat32([x], (of) => inner(build, of));

const gelu = (approximate: 'none' | 'tanh'): Activate =>
  wide(({ graph }, x) => graph.node('Gelu', [x], { attributes: { approximate: { string: approximate } } }));

/** 1 / (1 + e⁻ˣ) */
export const sigmoid = wide(plain('Sigmoid'));

/** x times something of it. */
const gated =
  (gate: Activate): Activate =>
  (build, x) =>
    build.graph.node('Mul', [x, gate(build, x)]);

const clipped =
  (inner: Activate, low: number, high: number): Activate =>
  (build, x) =>
    clip(build, inner(build, x), low, high);

const relu = plain('Relu');
const silu = wide(gated(plain('Sigmoid')));

/** Mean and deviation of the Laplace activation (Ma et al. 2022), as rounded in transformers. */
const LAPLACE = { mean: 707_107e-6, deviation: 282_095e-6 };

/** By the names that config.json files use, all of transformers' ACT2FN but those with weights of their own. */
const activations = {
  silu,
  swish: silu,
  gelu: gelu('none'),
  gelu_python: gelu('none'),
  gelu_10: clipped(gelu('none'), -10, 10),
  gelu_new: gelu('tanh'),
  gelu_fast: gelu('tanh'),
  gelu_accurate: gelu('tanh'),
  gelu_pytorch_tanh: gelu('tanh'),
  gelu_python_tanh: gelu('tanh'),
  quick_gelu: wide(
    gated(({ graph }, x) => graph.node('Sigmoid', [graph.node('Mul', [x, graph.scalar(1.702)])])),
  ),
  relu,
  relu2: (build, x) => {
    const kept = relu(build, x);
    return build.graph.node('Mul', [kept, kept]);
  },
  relu6: clipped((_, x) => x, 0, 6),
  leaky_relu: wide(plain('LeakyRelu')),
  linear: (_, x) => x,
  sigmoid,
  tanh: plain('Tanh'),
  hardswish: gated(
    wide(({ graph }, x) =>
      graph.node('HardSigmoid', [x], { attributes: { alpha: { float: 1 / 6 }, beta: { float: 0.5 } } }),
    ),
  ),
  mish: gated(wide(({ graph }, x) => graph.node('Tanh', [graph.node('Softplus', [x])]))),
  sqrtsoftplus: wide(({ graph }, x) => graph.node('Sqrt', [graph.node('Softplus', [x])])),
  laplace: wide(({ graph }, x) => {
    const centred = graph.node('Sub', [x, graph.scalar(LAPLACE.mean)]);
    const scaled = graph.node('Div', [centred, graph.scalar(LAPLACE.deviation * Math.SQRT2)]);
    const shifted = graph.node('Add', [graph.node('Erf', [scaled]), graph.scalar(1)]);
    return graph.node('Mul', [shifted, graph.scalar(0.5)]);
  }),
} satisfies Record<string, Activate>;

export type Activation = keyof typeof activations;

export const activationNames = Object.keys(activations) as Activation[];

export function activate(build: Build, x: Value, activation: Activation): Value {
  return activations[activation](build, x);
}

export interface MlpShape {
  width: number;
  inner: number;
  activation: Activation;
  bias?: boolean;
  /** One product gate_up_proj instead of two. */
  fused?: boolean;
  /** Of each token's gates, taken as a normal distribution, the lower share that is cut off, and the rest by as much (Gemma 3n). */
  sparsity?: number;
  /** Names of the three products, default Llama's. */
  names?: { gate: string; up: string; down: string };
}

const llamaNames = { gate: 'gate_proj', up: 'up_proj', down: 'down_proj' };

export interface PlainMlpShape extends Pick<MlpShape, 'width' | 'inner' | 'activation' | 'bias'> {
  names: { up: string; down: string };
}

/** down(act(up(x))), x [N, width]; names of the products are behind `name`. */
export function plainMlp(build: Build, x: Value, name: string, shape: PlainMlpShape): Value {
  const { width, inner, bias = false, names } = shape;
  const hidden = linear(build, x, `${name}.${names.up}`, { from: width, to: inner, bias });
  const active = activate(build, hidden, shape.activation);
  return linear(build, active, `${name}.${names.down}`, { from: inner, to: width, bias });
}

/** down(act(gate(x)) · up(x)) (Shazeer 2020), x [N, width]. */
export function gatedMlp(build: Build, x: Value, name: string, shape: MlpShape): Value {
  const { width, inner, bias = false, names = llamaNames } = shape;
  const product = (part: string, to: number): Value =>
    linear(build, x, `${name}.${part}`, { from: width, to, bias });
  const [gate, up] = shape.fused
    ? split(build, product('gate_up_proj', 2 * inner), [inner, inner])
    : [product(names.gate, inner), product(names.up, inner)];
  const kept = shape.sparsity ? aboveQuantile(build, gate as Value, shape.sparsity) : (gate as Value);
  const gated = build.graph.node('Mul', [activate(build, kept, shape.activation), up as Value]);
  return linear(build, gated, `${name}.${names.down}`, { from: inner, to: width, bias });
}

/** relu(x − the quantile of a normal distribution with the mean and deviation of each row), x [N, width]. */
function aboveQuantile({ graph }: Build, x: Value, quantile: number): Value {
  const mean = (of: Value): Value =>
    graph.node('ReduceMean', [of, graph.int64s([-1])], { attributes: { keepdims: 1 } });
  const centred = graph.node('Sub', [x, mean(x)]);
  const deviation = graph.node('Sqrt', [mean(graph.node('Mul', [centred, centred]))]);
  const cut = graph.node('Mul', [deviation, graph.scalar(normalThreshold(1 - quantile))]);
  return graph.node('Relu', [graph.node('Sub', [centred, cut])]);
}
