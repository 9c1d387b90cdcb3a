import { Graph, type Program, type Value } from '../onnx/graph.ts';
import { type Build, byRow, startBuild } from './build.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { Family } from './families/family.ts';

/**
 * A language model is a chain of segments cut at the hooks: hooks {11, 31} of 64 blocks make [embed..11], [12..31]
 * and [32..logits]. Each is one program; the residual stream after block N is the tensor between two of them.
 *
 * - first:  `ids` int32 [rows, tokens] -> `residual_after` float32 [rows, tokens, dModel]
 * - inner:  `residual` -> `residual_after`
 * - last:   `residual` (or `ids` without hooks), `targets` int32 [rows · tokens, sets] (−1: none)
 *           -> `nll` float32 [rows · tokens, sets] (0 where there is no target) and, when asked for, `logits`
 *
 * Several sets of targets for one residual serve ablations: a residual that is the same at every position gives the
 * same logits whatever the text, so that one row answers for all rows of text.
 */
export function buildSegments(
  checkpoint: Checkpoint,
  family: Family,
  options: { hooks: readonly number[]; maxTokens: number; logits: boolean },
): Program[] {
  const cuts = [-1, ...options.hooks];
  return cuts.map((cut, i) => {
    const until = options.hooks[i] ?? family.blocks - 1;
    const last = i === cuts.length - 1;
    const graph = new Graph();
    const { build, residual } = start(graph, checkpoint, family, i === 0, options.maxTokens);
    let x = residual;
    for (let block = cut + 1; block <= until; block++) x = family.block(build, block, x);
    if (last) finish(build, family, x, options.logits);
    else graph.output(byRow(build, x), 'residual_after', 'float32', ['rows', 'tokens', family.dModel]);
    return graph.program();
  });
}

function start(
  graph: Graph,
  checkpoint: Checkpoint,
  family: Family,
  first: boolean,
  maxTokens: number,
): { build: Build; residual: Value } {
  if (first) {
    const ids = graph.input('ids', 'int32', ['rows', 'tokens']);
    const build = startBuild(graph, checkpoint, graph.node('Shape', [ids]), maxTokens);
    return { build, residual: family.embed(build, ids) };
  }
  const input = graph.input('residual', 'float32', ['rows', 'tokens', family.dModel]);
  const shape = graph.node('Shape', [input], { attributes: { start: 0, end: 2 } });
  const build = startBuild(graph, checkpoint, shape, maxTokens);
  return { build, residual: graph.node('Reshape', [input, graph.int64s([-1, family.dModel])]) };
}

/** Loss per token inside the program: log Σ exp(logits) − logit of the target. */
function finish(build: Build, family: Family, residual: Value, withLogits: boolean): void {
  const { graph } = build;
  const targets = graph.input('targets', 'int32', ['positions', 'sets']);
  const logits = family.head(build, residual);
  const zero = graph.int32s([0], []);
  const chosen = graph.node('GatherElements', [logits, graph.node('Max', [targets, zero])], {
    attributes: { axis: 1 },
  });
  const total = graph.node('ReduceLogSumExp', [logits, graph.int64s([1])], { attributes: { keepdims: 1 } });
  const counted = graph.node('Cast', [graph.node('GreaterOrEqual', [targets, zero])], {
    attributes: { to: 1 },
  });
  const nll = graph.node('Mul', [graph.node('Sub', [total, chosen]), counted]);
  graph.output(nll, 'nll', 'float32', ['positions', 'sets']);
  if (withLogits) {
    graph.output(byRow(build, logits), 'logits', 'float32', ['rows', 'tokens', family.vocabulary]);
  }
}
