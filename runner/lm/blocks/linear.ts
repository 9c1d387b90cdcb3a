import type { Value } from '../../onnx/graph.ts';
import type { Build } from '../build.ts';

export interface LinearShape {
  from: number;
  to: number;
  bias?: boolean;
  /** Weight stored [from, to] (GPT-2's Conv1D) instead of [to, from]. */
  inputFirst?: boolean;
}

/** y = x·Wᵀ (+ b): Gemm uses W as it is stored, either way round, without a copy. x [N, from] -> [N, to]. */
export function linear(build: Build, x: Value, name: string, shape: LinearShape): Value {
  const { from, to, bias = false, inputFirst = false } = shape;
  const inputs = [x, build.weight(`${name}.weight`, inputFirst ? [from, to] : [to, from])];
  if (bias) inputs.push(build.weight(`${name}.bias`, [to]));
  return build.graph.node('Gemm', inputs, { attributes: { transB: inputFirst ? 0 : 1 } });
}

/** Cuts the last axis of a fused product into parts of these sizes. */
export function split(build: Build, x: Value, sizes: readonly number[]): Value[] {
  return build.graph.nodes('Split', [x, build.graph.int64s(sizes)], {
    outputs: sizes.length,
    attributes: { axis: -1 },
  });
}

/** Columns `from` to `to`, excluded, of x [N, width]. */
export function columns({ graph }: Build, x: Value, from: number, to: number): Value {
  return graph.node('Slice', [x, graph.int64s([from]), graph.int64s([to]), graph.int64s([1])]);
}

/** Rows of a table chosen by token ids: ids int32 [rows, tokens] -> [rows·tokens, width]. */
export function embedding(build: Build, ids: Value, name: string, count: number, width: number): Value {
  const { graph } = build;
  const rows = graph.node('Gather', [build.weight(`${name}.weight`, [count, width]), ids]);
  return graph.node('Reshape', [rows, graph.int64s([-1, width])]);
}

/** x within two bounds. Not Clip, which CUDA has not in bfloat16. */
export function clip({ graph }: Build, x: Value, low: number, high: number): Value {
  return graph.node('Min', [graph.node('Max', [x, graph.scalar(low)]), graph.scalar(high)]);
}

/** cap·tanh(x / cap): keeps values within ±cap (Gemma 2). */
export function softCap(build: Build, x: Value, cap: number): Value {
  const { graph } = build;
  const small = graph.node('Div', [x, graph.scalar(cap)]);
  return graph.node('Mul', [graph.node('Tanh', [small]), graph.scalar(cap)]);
}

/**
 * Token embeddings [N, width] and what is learned for each position of a row, `name`.weight [positions, width], added:
 * of the first token row `first` of it.
 */
export function learnedPositions(
  build: Build,
  tokens: Value,
  { name, positions, width, first = 0 }: { name: string; positions: number; width: number; first?: number },
): Value {
  const { graph, rowsAndTokens } = build;
  const shape = graph.node('Concat', [rowsAndTokens, graph.int64s([width])], { attributes: { axis: 0 } });
  const count = graph.node('Gather', [rowsAndTokens, graph.int64s([1])]);
  const weight = build.weight(`${name}.weight`, [positions, width]);
  const begun =
    first === 0 ? weight : graph.node('Slice', [weight, graph.int64s([first]), graph.int64s([positions])]);
  const rows = graph.node('Slice', [begun, graph.int64s([0]), count]);
  const sum = graph.node('Add', [graph.node('Reshape', [tokens, shape]), rows]);
  return graph.node('Reshape', [sum, graph.int64s([-1, width])]);
}
