/**
 * Reductions, of operators that each provider has without further libraries: CUDA's ReduceMax, ReduceMin, ReduceL2 and
 * ReduceLogSumExp are calls of cuDNN, half a gigabyte more to fetch.
 */
import type { Graph, Value } from './graph.ts';

/** The largest along an axis, which stays with size 1. */
export function largest(graph: Graph, x: Value, axis: number): Value {
  if (graph.provider !== 'cuda')
    return graph.node('ReduceMax', [x, graph.int64s([axis])], { attributes: { keepdims: 1 } });
  return end(graph, x, { axis, largest: 1 });
}

/** The smallest of a vector: [1]. */
export function smallest(graph: Graph, x: Value): Value {
  if (graph.provider !== 'cuda') return graph.node('ReduceMin', [x], { attributes: { keepdims: 1 } });
  return end(graph, x, { axis: 0, largest: 0 });
}

function end(graph: Graph, x: Value, attributes: { axis: number; largest: number }): Value {
  return graph.nodes('TopK', [x, graph.int64s([1])], { outputs: 2, attributes })[0]!;
}

/** √Σx² along an axis. */
export function length(graph: Graph, x: Value, axis: number, keepdims = 1): Value {
  const squares = graph.node('ReduceSumSquare', [x, graph.int64s([axis])], { attributes: { keepdims } });
  return graph.node('Sqrt', [squares]);
}
