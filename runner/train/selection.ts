/** Which latents of a batch are kept, in the step program. */
import { elementTypes, type Graph, type Value } from '../onnx/graph.ts';
import { positive, scatterColumns } from './gradients.ts';
import type { StepRecipe } from './recipe.ts';

export interface Selection {
  /** z [B, n], 0 where nothing was kept. */
  dense: Value;
  /** d loss / d pre [B, n] of d loss / d z [B, n]: the same where a kept pre is above 0, else 0. */
  through(slopes: Value): Value;
  /** bool [n]: the latents that count as having fired. */
  fired: Value;
  /** Kept values above 0, a scalar. */
  activeLatents: Value;
  /** The smallest of them, a scalar, infinite where there is none; null where no threshold is to be estimated. */
  least: Value | null;
}

/**
 * @param pre [B, n]
 * @param zero the number 0 as a value of the program: no constant, so that tensors of zeros are made where they are
 *   needed instead of being held
 */
export function select(graph: Graph, recipe: StepRecipe, pre: Value, zero: Value): Selection {
  switch (recipe.architecture) {
    case 'topk':
      return ofEachToken(graph, recipe, pre, zero);
    case 'batchtopk':
    case 'matryoshka':
      return ofTheBatch(graph, recipe, pre, zero);
    default:
      return recipe.architecture satisfies never;
  }
}

/** The k largest of each token; those at or below 0 count as fired too, though relu makes them 0. */
function ofEachToken(
  graph: Graph,
  { dSae: n, k, batchTokens: B }: StepRecipe,
  pre: Value,
  zero: Value,
): Selection {
  const [top, at] = graph.nodes('TopK', [pre, graph.int64s([k])], {
    outputs: 2,
    attributes: { sorted: 0 },
  }) as [Value, Value];
  const z = graph.node('Relu', [top]);
  const zeros = graph.node('Expand', [zero, graph.int64s([B, n])]);
  return {
    dense: scatterColumns(graph, zeros, at, z),
    through(slopes) {
      // Selected columns are gathered and scattered, which is cheaper than masking all of [B, n].
      const selected = graph.node('GatherElements', [slopes, at], { attributes: { axis: 1 } });
      return scatterColumns(graph, zeros, at, graph.node('Mul', [selected, positive(graph, z)]));
    },
    fired: flagsAt(graph, at, n, B * k),
    activeLatents: count(graph, positive(graph, z)),
    least: null,
  };
}

/** The k·B largest of the whole batch (Bussmann et al. 2024, arXiv 2412.06410); those above 0 have fired. */
function ofTheBatch(
  graph: Graph,
  { dSae: n, k, batchTokens: B }: StepRecipe,
  pre: Value,
  zero: Value,
): Selection {
  const flat = graph.node('Reshape', [pre, graph.int64s([B * n])]);
  const [top, at] = graph.nodes('TopK', [flat, graph.int64s([B * k])], {
    outputs: 2,
    attributes: { sorted: 0 },
  }) as [Value, Value];
  const zeros = graph.node('Expand', [zero, graph.int64s([B * n])]);
  const z = graph.node('Relu', [top]);
  const scattered = graph.node('ScatterElements', [zeros, at, z], { attributes: { axis: 0 } });
  const dense = graph.node('Reshape', [scattered, graph.int64s([B, n])]);
  const active = positive(graph, dense);
  const sums = graph.node('ReduceSum', [active, graph.int64s([0])], { attributes: { keepdims: 0 } });
  const infinite = graph.scalar(Number.POSITIVE_INFINITY);
  const kept = graph.node('Where', [graph.node('Greater', [z, graph.scalar(0)]), z, infinite]);
  return {
    dense,
    through: (slopes) => graph.node('Mul', [slopes, active]),
    fired: graph.node('Greater', [sums, graph.scalar(0)]),
    activeLatents: count(graph, active),
    least: graph.node('ReduceMin', [kept], { attributes: { keepdims: 0 } }),
  };
}

function count(graph: Graph, ones: Value): Value {
  return graph.node('ReduceSum', [ones], { attributes: { keepdims: 0 } });
}

/** Of n flags those that `at` names, whatever order and however often. */
function flagsAt(graph: Graph, at: Value, n: number, selected: number): Value {
  const cleared = graph.floats(new Float32Array(n), [n]);
  const ones = graph.node('Expand', [graph.scalar(1), graph.int64s([selected])]);
  // Looked up rather than cast: devices do no arithmetic on int64.
  const latents = graph.int32s(Array.from({ length: n }, (_, j) => j));
  const narrow = graph.node('Gather', [latents, at]);
  const flat = graph.node('Reshape', [narrow, graph.int64s([selected])]);
  const flags = graph.node('ScatterElements', [cleared, flat, ones], { attributes: { axis: 0 } });
  return graph.node('Cast', [flags], { attributes: { to: elementTypes.bool } });
}
