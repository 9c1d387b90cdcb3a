/** Pieces of forward and backward passes that architectures and AuxK share in the step program. */
import { elementTypes, type Graph, none, type Value } from '../onnx/graph.ts';

/** `zeros` with `values` [B, k] put at the columns `at` [B, k]. */
export function scatterColumns(graph: Graph, zeros: Value, at: Value, values: Value): Value {
  return graph.node('ScatterElements', [zeros, at, values], { attributes: { axis: 1 } });
}

/** Gradients of W_enc and b_enc from that of pre [B, n]. */
export function encoderGradients(graph: Graph, centred: Value, dpre: Value): { W_enc: Value; b_enc: Value } {
  return {
    W_enc: graph.node('Gemm', [centred, dpre], { attributes: { transA: 1 } }),
    b_enc: sumOverTokens(graph, dpre),
  };
}

/** [B, n] to [n]. */
export function sumOverTokens(graph: Graph, value: Value): Value {
  return graph.node('ReduceSum', [value, graph.int64s([0])], { attributes: { keepdims: 0 } });
}

export function sumAll(graph: Graph, op: 'ReduceSum' | 'ReduceSumSquare', value: Value): Value {
  return graph.node(op, [value, none], { attributes: { keepdims: 0 } });
}

/** 1 where the value is above 0, else 0: the derivative of relu, with 0 at 0 as in PyTorch. */
export function positive(graph: Graph, value: Value): Value {
  const above = graph.node('Greater', [value, graph.scalar(0)]);
  return graph.node('Cast', [above], { attributes: { to: elementTypes.float32 } });
}

/** Of z [B, n]: 1 where a latent is active, how many are, and which latents are for some token. */
export function activityOf(graph: Graph, z: Value): { active: Value; activeLatents: Value; fired: Value } {
  const active = positive(graph, z);
  const sums = sumOverTokens(graph, active);
  return {
    active,
    activeLatents: sumAll(graph, 'ReduceSum', active),
    fired: graph.node('Greater', [sums, graph.scalar(0)]),
  };
}

/** ‖W_dec_j‖ [n]. Squared first: a reduction over the input itself could sum in another order (see step-program.ts). */
export function rowNorms(graph: Graph, W_dec: Value): Value {
  const squared = graph.node('ReduceSum', [graph.node('Mul', [W_dec, W_dec]), graph.int64s([1])], {
    attributes: { keepdims: 0 },
  });
  return graph.node('Sqrt', [squared]);
}
