/** Pieces of forward and backward passes that architectures and AuxK share in the step program. */
import { elementTypes, type Graph, none, type Value } from '../onnx/graph.ts';

/** `zeros` with `values` [B, k] put at the columns `at` [B, k]. */
export function scatterColumns(graph: Graph, zeros: Value, at: Value, values: Value): Value {
  return graph.node('ScatterElements', [zeros, at, values], { attributes: { axis: 1 } });
}

/** Gradients of W_enc and b_enc from that of pre [B, n]. */
export function encoderGradients(
  graph: Graph,
  centred: Value,
  dpre: Value,
  tokens: number,
): { W_enc: Value; b_enc: Value } {
  return {
    W_enc: graph.node('Gemm', [centred, dpre], { attributes: { transA: 1 } }),
    b_enc: sumOverTokens(graph, dpre, tokens),
  };
}

/*
 * CUDA's provider adds all of a matrix, and down more rows than these, by atomic adds of several blocks (call_reduce_matrix_rows in
 * reduction_functions.cu): in another order each time. Along rows, and down few, it keeps an order, so that a resumed run gives the same bits.
 */
const ORDERED_ROWS = 127;
/** Where the number of rows has no divisor of this size, rows of zeros are added. */
const FEWEST_TOGETHER = 32;

/** [tokens, n] to [n]. */
export function sumOverTokens(graph: Graph, value: Value, tokens: number): Value {
  if (graph.provider !== 'cuda') return down(graph, value);
  let [sums, left] = [value, tokens];
  while (left > ORDERED_ROWS) {
    const divisor = divisorOf(left);
    const together = divisor ?? FEWEST_TOGETHER;
    if (divisor === undefined) {
      const missing = together - (left % together);
      sums = graph.node('Pad', [sums, graph.int64s([0, 0, missing, 0])]);
      left += missing;
    }
    left /= together;
    const beside = graph.node('Reshape', [sums, graph.int64s([together, -1])]);
    sums = graph.node('Reshape', [down(graph, beside), graph.int64s([left, -1])]);
  }
  return down(graph, sums);
}

/** [tokens, n] to [n]. */
export function meanOverTokens(graph: Graph, value: Value, tokens: number): Value {
  if (graph.provider !== 'cuda')
    return graph.node('ReduceMean', [value, graph.int64s([0])], { attributes: { keepdims: 0 } });
  return graph.node('Mul', [sumOverTokens(graph, value, tokens), graph.scalar(1 / tokens)]);
}

/** Of a value of one axis, or of two and several rows: a scalar. */
export function sumAll(graph: Graph, op: 'ReduceSum' | 'ReduceSumSquare', value: Value): Value {
  if (graph.provider !== 'cuda') return graph.node(op, [value, none], { attributes: { keepdims: 0 } });
  const rows = along(graph, op, graph.node('Reshape', [value, graph.int64s([0, -1])]));
  // Twice, as a single row would be added like all of a matrix.
  const twice = graph.node('Expand', [rows, graph.int64s([2, 1])]);
  return graph.node('Gather', [along(graph, 'ReduceSum', twice), graph.int64s([0], [])]);
}

function divisorOf(count: number): number | undefined {
  for (let each = ORDERED_ROWS; each >= FEWEST_TOGETHER; each--) if (count % each === 0) return each;
  return undefined;
}

function down(graph: Graph, value: Value): Value {
  return graph.node('ReduceSum', [value, graph.int64s([0])], { attributes: { keepdims: 0 } });
}

function along(graph: Graph, op: 'ReduceSum' | 'ReduceSumSquare', value: Value): Value {
  return graph.node(op, [value, graph.int64s([1])], { attributes: { keepdims: 0 } });
}

/** 1 where the value is above 0, else 0: the derivative of relu, with 0 at 0 as in PyTorch. */
export function positive(graph: Graph, value: Value): Value {
  const above = graph.node('Greater', [value, graph.scalar(0)]);
  return graph.node('Cast', [above], { attributes: { to: elementTypes.float32 } });
}

/** Of z [B, n]: 1 where a latent is active, how many are, and which latents are for some token. */
export function activityOf(
  graph: Graph,
  z: Value,
  tokens: number,
): { active: Value; activeLatents: Value; fired: Value } {
  const active = positive(graph, z);
  const sums = sumOverTokens(graph, active, tokens);
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
