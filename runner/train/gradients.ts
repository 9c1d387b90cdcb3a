/** Pieces that the main loss and AuxK share in the step program. */
import { type Graph, none, type Value } from '../onnx/graph.ts';
import type { TensorName } from '../sae/sae.ts';

export type Gradients = Record<TensorName, Value>;

/** `zeros` with `values` [B, k] put at the columns `at` [B, k]. */
export function scatterColumns(graph: Graph, zeros: Value, at: Value, values: Value): Value {
  return graph.node('ScatterElements', [zeros, at, values], { attributes: { axis: 1 } });
}

/**
 * Gradients of W_enc and b_enc from the slope of the reconstruction: dpre = (slope·W_decᵀ) where z > 0, else 0.
 * Selected columns are gathered and scattered, which is cheaper than masking all of [B, n].
 */
export function encoderGradients(
  graph: Graph,
  parts: { centred: Value; slope: Value; rows: Value; z: Value; at: Value; zeros: Value },
): Pick<Gradients, 'W_enc' | 'b_enc'> {
  const { centred, slope, rows, z, at, zeros } = parts;
  const all = graph.node('Gemm', [slope, rows], { attributes: { transB: 1 } });
  const selected = graph.node('GatherElements', [all, at], { attributes: { axis: 1 } });
  // z ≥ 0, so its sign is the derivative of relu, with 0 at 0 as in PyTorch.
  const slopes = graph.node('Mul', [selected, graph.node('Sign', [z])]);
  const dpre = scatterColumns(graph, zeros, at, slopes);
  return {
    W_enc: graph.node('Gemm', [centred, dpre], { attributes: { transA: 1 } }),
    b_enc: graph.node('ReduceSum', [dpre, graph.int64s([0])], { attributes: { keepdims: 0 } }),
  };
}

export function sumAll(graph: Graph, op: 'ReduceSum' | 'ReduceSumSquare', value: Value): Value {
  return graph.node(op, [value, none], { attributes: { keepdims: 0 } });
}
