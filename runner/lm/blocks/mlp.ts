import type { Value } from '../../onnx/graph.ts';
import type { Build } from '../build.ts';
import { linear, split } from './linear.ts';

type Activate = (build: Build, x: Value) => Value;

const gelu =
  (approximate: 'none' | 'tanh'): Activate =>
  (build, x) =>
    build.graph.node('Gelu', [x], { attributes: { approximate: { string: approximate } } });

/** By the names that config.json files use. */
const activations = {
  silu: (build, x) => build.graph.node('Mul', [x, build.graph.node('Sigmoid', [x])]),
  gelu: gelu('none'),
  gelu_new: gelu('tanh'),
  gelu_fast: gelu('tanh'),
  gelu_pytorch_tanh: gelu('tanh'),
  relu: (build, x) => build.graph.node('Relu', [x]),
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
  /** Names of the three products, default Llama's. */
  names?: { gate: string; up: string; down: string };
}

const llamaNames = { gate: 'gate_proj', up: 'up_proj', down: 'down_proj' };

/** down(act(gate(x)) · up(x)) (Shazeer 2020), x [N, width]. */
export function gatedMlp(build: Build, x: Value, name: string, shape: MlpShape): Value {
  const { width, inner, bias = false, names = llamaNames } = shape;
  const product = (part: string, to: number): Value =>
    linear(build, x, `${name}.${part}`, { from: width, to, bias });
  const [gate, up] = shape.fused
    ? split(build, product('gate_up_proj', 2 * inner), [inner, inner])
    : [product(names.gate, inner), product(names.up, inner)];
  const gated = build.graph.node('Mul', [activate(build, gate as Value, shape.activation), up as Value]);
  return linear(build, gated, `${name}.${names.down}`, { from: inner, to: width, bias });
}
