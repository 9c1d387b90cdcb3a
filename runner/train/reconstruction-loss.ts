/** The reconstruction part of the loss and what it sends back, in the step program. */
import type { Graph, Value } from '../onnx/graph.ts';
import type { ProgramStep } from './architectures/architecture.ts';
import { type CommonRecipe, lossWeight } from './common-settings.ts';
import { sumOverTokens } from './gradients.ts';

type Reconstructing = Pick<
  ProgramStep<Pick<CommonRecipe, 'batchTokens' | 'lossReduction'>>,
  'graph' | 'recipe' | 'd_in' | 'x' | 'target' | 'parameters'
>;

export interface ReconstructionLoss {
  /** x̂ − target [B, d], of all latents. */
  error: Value;
  /**
   * For each token the squared error, averaged over the prefixes [B]; null where there is only one prefix, and the
   * squared error is that of `error`.
   */
  nestedSquares: Value | null;
  /** Gradient of W_dec [n, d]. */
  W_dec: Value;
  /** d loss / d z [B, n], before the selection. */
  slopes: Value;
  /** Gradient of b_dec [d] through the decoder. */
  b_dec: Value;
  /** Gradient of a transcoder's W_skip [d, d]; empty where it has none. */
  skip: { W_skip?: Value };
}

/**
 * The squared error of x̂ = z·W_dec + b_dec (and x·W_skipᵀ, where a transcoder has it); with several groups of latents the mean over the prefixes of groups, each of
 * which reconstructs the target by itself (Bussmann et al. 2025, arXiv 2503.17547).
 *
 * @param groups latents of each group, in order
 */
export function reconstructionLoss(
  step: Reconstructing,
  z: Value,
  groups: readonly number[],
): ReconstructionLoss {
  const { graph, recipe, d_in, x, target } = step;
  const { W_dec, b_dec, W_skip } = step.parameters;
  const scale = graph.scalar((2 * lossWeight(recipe, d_in)) / groups.length);
  const parts = slices(graph, groups, z, W_dec);
  let error: Value | undefined;
  const errors = parts.map(({ z, rows }) => {
    error =
      error === undefined
        ? withSkip(step, graph.node('Sub', [graph.node('Gemm', [z, rows, b_dec]), target]))
        : graph.node('Add', [graph.node('MatMul', [z, rows]), error]);
    return error;
  });
  // What a group does, it does to its own prefix and to all that follow.
  const own = errors.map((each) => graph.node('Mul', [each, scale]));
  const slopes: Value[] = [];
  for (const [i, slope] of [...own.entries()].reverse()) {
    const later = slopes[i + 1];
    slopes[i] = later === undefined ? slope : graph.node('Add', [slope, later]);
  }
  const rowGradients = parts.map(({ z }, i) =>
    graph.node('Gemm', [z, slopes[i]!], { attributes: { transA: 1 } }),
  );
  const back = parts.map(({ rows }, i) =>
    graph.node('Gemm', [slopes[i]!, rows], { attributes: { transB: 1 } }),
  );
  return {
    error: errors.at(-1)!,
    nestedSquares: groups.length === 1 ? null : meanOfSquares(graph, errors),
    W_dec: joined(graph, rowGradients, 0),
    slopes: joined(graph, back, 1),
    b_dec: sumOverTokens(graph, slopes[0]!, recipe.batchTokens),
    skip:
      W_skip === undefined
        ? {}
        : { W_skip: graph.node('Gemm', [slopes[0]!, x], { attributes: { transA: 1 } }) },
  };
}

/** What a transcoder's skip connection adds to an error: x·W_skipᵀ. */
export function withSkip(
  { graph, x, parameters: { W_skip } }: Pick<Reconstructing, 'graph' | 'x' | 'parameters'>,
  error: Value,
): Value {
  if (W_skip === undefined) return error;
  return graph.node('Gemm', [x, W_skip, error], { attributes: { transB: 1 } });
}

/** z [B, size] and decoder rows [size, d] of each group. */
function slices(
  graph: Graph,
  groups: readonly number[],
  dense: Value,
  W_dec: Value,
): { z: Value; rows: Value }[] {
  if (groups.length === 1) return [{ z: dense, rows: W_dec }];
  const sizes = graph.int64s(groups);
  const options = { outputs: groups.length };
  const z = graph.nodes('Split', [dense, sizes], { ...options, attributes: { axis: 1 } });
  const rows = graph.nodes('Split', [W_dec, sizes], { ...options, attributes: { axis: 0 } });
  return groups.map((_, i) => ({ z: z[i]!, rows: rows[i]! }));
}

function joined(graph: Graph, parts: readonly Value[], axis: number): Value {
  return parts.length === 1 ? parts[0]! : graph.node('Concat', parts, { attributes: { axis } });
}

function meanOfSquares(graph: Graph, errors: readonly Value[]): Value {
  const lastAxis = graph.int64s([1]);
  const squares = errors.map((error) =>
    graph.node('ReduceSumSquare', [error, lastAxis], { attributes: { keepdims: 0 } }),
  );
  const total = squares.reduce((sum, each) => graph.node('Add', [sum, each]));
  return graph.node('Mul', [total, graph.scalar(1 / errors.length)]);
}
