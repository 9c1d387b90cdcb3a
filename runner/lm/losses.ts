/** Losses inside the program, so that logits never leave it; over tiles of the vocabulary they never exist whole. */
import type { Graph, Value } from '../onnx/graph.ts';
import { largest } from '../onnx/reductions.ts';
import type { Build } from './build.ts';
import type { Tile } from './head-tiles.ts';

/**
 * Next-token cross entropy: log Σ exp(logits) − logit of the target, 0 where there is no target.
 *
 * @param targets int32 [positions, sets], −1 for none
 * @returns nll [positions, sets] in nats, and each tile's logits
 */
export function crossEntropy(
  { graph }: Build,
  tiles: readonly Tile[],
  residual: Value,
  targets: Value,
): { nll: Value; logits: Value[] } {
  const logits = tiles.map((tile) => tile.logits(residual));
  const [chosen, totals] = gathered(
    graph,
    tiles.map((tile, i) => [
      targetLogits(graph, tile, logits[i]!, targets),
      normalised(graph, logits[i]!, 1).logSumExp,
    ]),
  );
  return { nll: lossOf(graph, totals!, chosen!, targets), logits };
}

/**
 * Cross entropy of the patched model, and KL(clean ‖ patched) over the whole vocabulary at the same positions.
 * By the chain rule of relative entropy it is that of the tiles' shares plus, weighted by the clean shares, that
 * within each tile: each part is a difference of logarithms of probabilities, as small as the models are close.
 *
 * @param targets int32 [positions, 1], −1 for none: the cross entropy is 0 there, the KL is not
 * @returns both [positions, 1], in nats
 */
export function divergence(
  { graph }: Build,
  tiles: readonly Tile[],
  { patched, clean, targets }: { patched: Value; clean: Value; targets: Value },
): { nll: Value; kl: Value } {
  const columns = tiles.map((tile) => {
    const ours = tile.logits(patched);
    const theirs = tile.logits(clean);
    const q = normalised(graph, ours, 1);
    const p = normalised(graph, theirs, 1);
    return [
      targetLogits(graph, tile, ours, targets),
      q.logSumExp,
      p.logSumExp,
      relativeEntropy(graph, p.logSoftmax(), q.logSoftmax(), 1),
    ];
  });
  const [chosen, totals, cleanTotals, within] = gathered(graph, columns);
  const shares = normalised(graph, totals!, 0).logSoftmax();
  const cleanShares = normalised(graph, cleanTotals!, 0).logSoftmax();
  const weighted = graph.node('Mul', [graph.node('Exp', [cleanShares]), within!]);
  const kl = graph.node('Add', [relativeEntropy(graph, cleanShares, shares, 0), total(graph, weighted, 0)]);
  return {
    nll: lossOf(graph, totals!, chosen!, targets),
    kl,
  };
}

/**
 * Brings the columns of all tiles together: one [tiles, positions, width] for each kind, of width 1 but for the first.
 * A tile's columns are joined first, so that its logits are done with before those of the next are computed.
 */
function gathered(graph: Graph, tiles: readonly (readonly Value[])[]): Value[] {
  const join = (parts: readonly Value[], axis: number): Value =>
    graph.node('Concat', parts, { attributes: { axis } });
  const joined = tiles.map((columns) => graph.node('Unsqueeze', [join(columns, 1), graph.int64s([0])]));
  const all = join(joined, 0);
  const kinds = tiles[0]?.length ?? 0;
  return Array.from({ length: kinds }, (_, kind) => {
    const start = kind === 0 ? 0 : kind - kinds;
    const end = kind === kinds - 1 ? Number.MAX_SAFE_INTEGER : kind + 1 - kinds;
    return graph.node('Slice', [all, graph.int64s([start]), graph.int64s([end]), graph.int64s([2])]);
  });
}

/** The target's logit where it falls in this tile, else 0: [positions, sets]. */
function targetLogits(graph: Graph, { from, size }: Tile, logits: Value, targets: Value): Value {
  const place = graph.node('Sub', [targets, graph.int32s([from], [])]);
  // Not Clip, which CUDA has of floats alone.
  const above = graph.node('Max', [place, graph.int32s([0], [])]);
  const inside = graph.node('Min', [above, graph.int32s([size - 1], [])]);
  const found = graph.node('GatherElements', [logits, inside], { attributes: { axis: 1 } });
  return graph.node('Where', [graph.node('Equal', [place, inside]), found, graph.scalar(0)]);
}

/** From the tiles' totals and target logits, both [tiles, positions, …], to the loss. */
function lossOf(graph: Graph, totals: Value, chosen: Value, targets: Value): Value {
  const sum = graph.node('Squeeze', [normalised(graph, totals, 0).logSumExp, graph.int64s([0])]);
  const loss = graph.node('Sub', [sum, total(graph, chosen, 0)]);
  const there = graph.node('GreaterOrEqual', [targets, graph.int32s([0], [])]);
  return graph.node('Where', [there, loss, graph.scalar(0)]);
}

/** Σ p·(log p − log q) along an axis. */
function relativeEntropy(graph: Graph, logP: Value, logQ: Value, axis: number): Value {
  const difference = graph.node('Sub', [logP, logQ]);
  return total(graph, graph.node('Mul', [graph.node('Exp', [logP]), difference]), axis);
}

/** Sums leave out the axis of tiles (0) and keep that of columns (1). */
function total(graph: Graph, x: Value, axis: number): Value {
  return graph.node('ReduceSum', [x, graph.int64s([axis])], { attributes: { keepdims: axis } });
}

/**
 * log Σ exp(x) along an axis, and x less that: its log-softmax. Of operators that every device has: LogSoftmax is the
 * CPU's alone.
 */
function normalised(graph: Graph, x: Value, axis: number): { logSumExp: Value; logSoftmax(): Value } {
  const over = graph.int64s([axis]);
  const kept = { attributes: { keepdims: 1 } };
  const most = largest(graph, x, axis);
  const shifted = graph.node('Sub', [x, most]);
  const log = graph.node('Log', [graph.node('ReduceSum', [graph.node('Exp', [shifted]), over], kept)]);
  return {
    logSumExp: graph.node('Add', [most, log]),
    logSoftmax: () => graph.node('Sub', [shifted, log]),
  };
}
