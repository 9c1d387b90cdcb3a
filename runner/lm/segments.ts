import { Graph, type Program, type Value } from '../onnx/graph.ts';
import type { AttentionKernels } from '../onnx/kernels.ts';
import { type Build, byRow, startBuild } from './build.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { Family } from './families/family.ts';
import { headTiles } from './head-tiles.ts';
import { crossEntropy, divergence } from './losses.ts';

/** The part of a language model between two cuts. */
export interface Segment {
  /** Its blocks, both included; none where `last` < `first` (the embedding or the head alone). */
  first: number;
  last: number;
  /** Number of the hook whose residual it ends with; null for the last one, and for a cut that is no hook. */
  hook: number | null;
}

/**
 * Segments cut after the given blocks. Every hook is a cut; further cuts keep segments small. A cut after block −1
 * leaves the embedding alone, one after the last block the head.
 *
 * @param hooks ascending
 */
export function segmentsOf(
  blocks: number,
  hooks: readonly number[],
  cuts: readonly number[] = [],
): Segment[] {
  const ends = [...new Set([...hooks, ...cuts])].sort((a, b) => a - b);
  const segments = ends.map((last, i): Segment => {
    const hook = hooks.indexOf(last);
    return { first: (ends[i - 1] ?? -1) + 1, last, hook: hook < 0 ? null : hook };
  });
  return [...segments, { first: (ends.at(-1) ?? -1) + 1, last: blocks - 1, hook: null }];
}

/**
 * A language model is a chain of segments cut at the hooks: hooks {11, 31} of 64 blocks make [embed..11], [12..31]
 * and [32..logits]. Each is one program; the residual stream after block N is the tensor between two of them.
 *
 * - first:  `ids` int32 [rows, tokens] -> `residual_after` float32 [rows, tokens, dModel]
 * - inner:  `residual` -> `residual_after`
 * - last:   `residual` (or `ids` without cuts), `targets` int32 [rows · tokens, sets] (−1: none)
 *           -> `nll` float32 [rows · tokens, sets] (0 where there is no target) and, when asked for, `logits`
 *
 * Several sets of targets for one residual serve ablations: a residual that is the same at every position gives the
 * same logits whatever the text, so that one row answers for all rows of text.
 *
 * @param options.tile entries of the vocabulary whose logits exist at a time; default all of them
 */
export function buildSegments(
  checkpoint: Checkpoint,
  family: Family,
  options: {
    segments: readonly (Segment & { kernels?: AttentionKernels })[];
    maxTokens: number;
    logits: boolean;
    tile?: number;
  },
): Program[] {
  return options.segments.map((segment, i) => {
    const isLast = i === options.segments.length - 1;
    const graph = new Graph();
    const { build, residual } = start(graph, checkpoint, family, i === 0, options.maxTokens, segment.kernels);
    let x = residual;
    for (let block = segment.first; block <= segment.last; block++) x = family.block(build, block, x);
    if (isLast) {
      // A program that embeds as well may read the head's weight whole, for tied embeddings.
      const tile = i === 0 ? family.vocabulary : (options.tile ?? family.vocabulary);
      finish(build, checkpoint, family, { residual: x, tile, withLogits: options.logits });
    } else graph.output(byRow(build, x), 'residual_after', 'float32', ['rows', 'tokens', family.dModel]);
    return graph.program();
  });
}

function start(
  graph: Graph,
  checkpoint: Checkpoint,
  family: Family,
  first: boolean,
  maxTokens: number,
  kernels?: AttentionKernels,
): { build: Build; residual: Value } {
  if (first) {
    const ids = graph.input('ids', 'int32', ['rows', 'tokens']);
    const build = startBuild(graph, checkpoint, graph.node('Shape', [ids]), maxTokens, kernels);
    return { build, residual: family.embed(build, ids) };
  }
  const input = graph.input('residual', 'float32', ['rows', 'tokens', family.dModel]);
  const shape = graph.node('Shape', [input], { attributes: { start: 0, end: 2 } });
  const build = startBuild(graph, checkpoint, shape, maxTokens, kernels);
  return { build, residual: graph.node('Reshape', [input, graph.int64s([-1, family.dModel])]) };
}

function finish(
  build: Build,
  checkpoint: Checkpoint,
  family: Family,
  { residual, tile, withLogits }: { residual: Value; tile: number; withLogits: boolean },
): void {
  const { graph } = build;
  const targets = graph.input('targets', 'int32', ['positions', 'sets']);
  const tiles = headTiles(build, checkpoint, family, tile);
  const { nll, logits } = crossEntropy(build, tiles, residual, targets);
  graph.output(nll, 'nll', 'float32', ['positions', 'sets']);
  if (withLogits) {
    const all = logits.length === 1 ? logits[0]! : graph.node('Concat', logits, { attributes: { axis: 1 } });
    graph.output(byRow(build, all), 'logits', 'float32', ['rows', 'tokens', family.vocabulary]);
  }
}

/**
 * The head alone, for two residuals after the last block:
 * `residual` and `clean` float32 [rows, tokens, dModel], `targets` int32 [rows · tokens, 1] (−1: none)
 * -> `nll` of the first (0 where there is no target) and `kl`, KL(clean ‖ residual), float32 [rows · tokens, 1].
 */
export function buildDivergence(
  checkpoint: Checkpoint,
  family: Family,
  options: { maxTokens: number; tile?: number },
): Program {
  const graph = new Graph();
  const { build, residual: patched } = start(graph, checkpoint, family, false, options.maxTokens);
  const input = graph.input('clean', 'float32', ['rows', 'tokens', family.dModel]);
  const clean = graph.node('Reshape', [input, graph.int64s([-1, family.dModel])]);
  const targets = graph.input('targets', 'int32', ['positions', 1]);
  const tiles = headTiles(build, checkpoint, family, options.tile ?? family.vocabulary);
  const { nll, kl } = divergence(build, tiles, { patched, clean, targets });
  graph.output(nll, 'nll', 'float32', ['positions', 1]);
  graph.output(kl, 'kl', 'float32', ['positions', 1]);
  return graph.program();
}
