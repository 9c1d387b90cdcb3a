import { UserError } from '../errors.ts';
import { type Hook, hookName, isResidual, orderedHooks } from '../hook.ts';
import { type Device, providerOf } from '../onnx/devices.ts';
import { Graph, type Precision, type Program, type Value } from '../onnx/graph.ts';
import type { AttentionKernels } from '../onnx/kernels.ts';
import { type Aside, type Bundle, stepsOf } from './blocks/block.ts';
import { columns } from './blocks/linear.ts';
import { type Build, byRow, startBuild } from './build.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { CutWidths } from './cut.ts';
import { type Family, headInput } from './families/family.ts';
import { headTiles, type Tile } from './head-tiles.ts';
import { crossEntropy, divergence } from './losses.ts';

/** The part of a language model between two cuts. */
export interface Segment {
  /** Where the tensors lie that it takes; null: it takes ids. */
  after: Hook | null;
  /** Where those lie that it gives; null: it ends with the head. */
  to: Hook | null;
  /** Blocks of which it computes something, both included; none where `last` < `first` (the embedding or the head alone). */
  first: number;
  last: number;
  /** Number of the hook that it ends at; null for the last one, and for a cut that is no hook. */
  hook: number | null;
}

/**
 * Segments that end at the given places. Every hook is a cut; further cuts keep segments small. A cut at resid_pre of
 * block 0 leaves the embedding alone, one after the last block the head.
 *
 * @param hooks in the order of `orderedHooks`
 */
export function segmentsOf(blocks: number, hooks: readonly Hook[], cuts: readonly Hook[] = []): Segment[] {
  const numbers = new Map(hooks.map((hook, number) => [hookName(hook), number]));
  const ends = [...orderedHooks([...hooks, ...cuts]), null];
  return ends.map((to, i) => ({
    ...spanOf(blocks, ends[i - 1] ?? null, to),
    hook: to === null ? null : (numbers.get(hookName(to)) ?? null),
  }));
}

/** What lies between two cuts. */
export function spanOf(blocks: number, after: Hook | null, to: Hook | null): Omit<Segment, 'hook'> {
  return {
    after,
    to,
    first: after === null ? 0 : after.layer + (after.site === 'resid_post' ? 1 : 0),
    last: to === null ? blocks - 1 : to.layer - (to.site === 'resid_pre' ? 1 : 0),
  };
}

/** @throws UserError for a place that the family's blocks do not have */
export function widthsAt(family: Family, hook: Hook): CutWidths {
  const asides = family.aside?.(hook) ?? new Map<string, number>();
  const aside = [...asides.values()].reduce((sum, width) => sum + width, 0);
  if (hook.site === 'resid_pre') return { value: family.dModel, beside: aside };
  const block = family.block(hook.layer);
  if (!stepsOf(block).some(({ site }) => site === hook.site)) {
    throw new UserError({
      thing: `hook ${hookName(hook)}`,
      found: `a model of the family ${family.name}, whose MLP runs beside its attention`,
      expected: `one of ${stepsOf(block)
        .map(({ site }) => site)
        .join(', ')}`,
      next: 'Choose another hook.',
    });
  }
  if (isResidual(hook)) return { value: family.dModel, beside: aside };
  return {
    value: hook.site === 'attn_z' ? block.mixedWidth : family.dModel,
    beside: family.dModel + aside,
  };
}

/**
 * A language model is a chain of segments cut at the hooks: the residual stream after blocks {11, 31} of 64 makes
 * [embed..11], [12..31] and [32..logits]. Each is one program; a hook is a tensor between two of them.
 *
 * - first:  `ids` int32 [rows, tokens] -> `residual_after` float32 [rows, tokens, dModel]
 * - inner:  `residual` -> `residual_after`
 * - last:   `residual` (or `ids` without cuts), `targets` int32 [rows · tokens, sets] (−1: none)
 *           -> `nll` float32 [rows · tokens, sets] (0 where there is no target) and, when asked for, `logits`
 *
 * At a hook inside a block `value_after` and `value`, float32 [rows, tokens, width], stand before the residual, and what else
 * travels stands behind it, in the same tensor. In the residual stream of a family of which something travels, the residual
 * itself is the value.
 *
 * Several sets of targets for one residual serve ablations: a residual that is the same at every position gives the
 * same logits whatever the text, so that one row answers for all rows of text.
 *
 * @param options.tile entries of the vocabulary whose logits exist at a time; default all of them
 * @throws UserError for a cut that the family's blocks do not have
 */
export function buildSegments(
  checkpoint: Checkpoint,
  family: Family,
  options: {
    segments: readonly (Segment & { kernels?: AttentionKernels; device?: Device })[];
    /** Default float32. */
    precision?: Precision | undefined;
    maxTokens: number;
    logits: boolean;
    tile?: number;
  },
): Program[] {
  return options.segments.map((segment, i) => {
    const graph = graphFor(segment.device, options.precision);
    const started = start(graph, checkpoint, family, segment.after, options.maxTokens, segment.kernels);
    const { build } = started;
    const { residual, value, aside } = through(build, family, segment, started.bundle);
    if (segment.to === null) {
      // A program that embeds as well may read the head's weight whole, for tied embeddings.
      const tile = i === 0 ? family.vocabulary : (options.tile ?? family.vocabulary);
      const read = headInput(family, build, residual, aside);
      finish(build, checkpoint, family, { residual: read, tile, withLogits: options.logits });
      return graph.program();
    }
    const give = (tensor: Value, name: string, width: number): void =>
      graph.output(byRow(build, graph.cast(tensor, 'float32')), name, 'float32', ['rows', 'tokens', width]);
    const widths = widthsAt(family, segment.to);
    const others = [...(family.aside?.(segment.to) ?? new Map()).keys()].map((name) => aside.get(name)!);
    const beside = value === null ? others : [residual, ...others];
    if (beside.length > 0) give(value ?? residual, 'value_after', widths.value);
    if (beside.length < 2) give(beside[0] ?? residual, 'residual_after', widths.beside || widths.value);
    else {
      const all = graph.node('Concat', beside, { attributes: { axis: -1 } });
      give(all, 'residual_after', widths.beside);
    }
    return graph.program();
  });
}

/** CUDA alone computes in bfloat16; elsewhere its operators are computed in float32 and rounded. */
function graphFor(device: Device | undefined, precision: Precision | undefined): Graph {
  const provider = providerOf(device);
  return new Graph('', { provider, precision, emulated: precision === 'bfloat16' && provider !== 'cuda' });
}

/** Tiles whose logits are float32, as losses are, whatever they are computed in. */
function wideTiles(graph: Graph, tiles: readonly Tile[]): Tile[] {
  const { precision } = graph;
  return tiles.map((tile) => ({
    ...tile,
    logits: (residual) =>
      graph.cast(
        graph.withPrecision(precision, () => tile.logits(residual)),
        'float32',
      ),
  }));
}

/** The steps of a segment's blocks, the first and the last block in part where a cut lies inside. */
function through(build: Build, family: Family, segment: Segment, from: Bundle): Bundle {
  const { after, to, first, last } = segment;
  let bundle = from;
  for (let index = first; index <= last; index++) {
    const block = family.block(index);
    const steps = stepsOf(block);
    const numberOf = (hook: Hook | null): number =>
      hook?.layer === index ? steps.findIndex(({ site }) => site === hook.site) : -1;
    const end = numberOf(to);
    const here = steps.slice(numberOf(after) + 1, end < 0 ? steps.length : end + 1);
    for (const step of here) bundle = step.run(build, block, bundle);
  }
  return bundle;
}

function start(
  graph: Graph,
  checkpoint: Checkpoint,
  family: Family,
  after: Hook | null,
  maxTokens: number,
  kernels?: AttentionKernels,
): { build: Build; bundle: Bundle } {
  if (after === null) {
    const ids = graph.input('ids', 'int32', ['rows', 'tokens']);
    const build = startBuild(graph, checkpoint, graph.node('Shape', [ids]), maxTokens, kernels);
    const aside: Aside = new Map();
    return { build, bundle: { value: null, residual: family.embed(build, ids, aside), aside } };
  }
  const { value, beside } = widthsAt(family, after);
  const given = beside > 0 ? graph.input('value', 'float32', ['rows', 'tokens', value]) : null;
  const input = graph.input('residual', 'float32', ['rows', 'tokens', beside || value]);
  const shape = graph.node('Shape', [input], { attributes: { start: 0, end: 2 } });
  const build = startBuild(graph, checkpoint, shape, maxTokens, kernels);
  return { build, bundle: bundleOf(build, family, after, given, input) };
}

/** What travels over a cut, from the inputs that it comes as: the hook's own tensor, if it comes apart, and the rest. */
function bundleOf(build: Build, family: Family, at: Hook, given: Value | null, input: Value): Bundle {
  const { graph } = build;
  const { value, beside } = widthsAt(family, at);
  const flat = (of: Value, width: number): Value =>
    graph.node('Reshape', [graph.cast(of, graph.precision), graph.int64s([-1, width])]);
  const [own, rest] = [given && flat(given, value), flat(input, beside || value)];
  const asides = [...(family.aside?.(at) ?? new Map<string, number>())];
  if (asides.length === 0) return { value: own, residual: rest, aside: new Map() };
  const sizes = asides.map(([, size]) => size);
  const inside = !isResidual(at);
  const parts = cutColumns(build, rest, inside ? [family.dModel, ...sizes] : sizes);
  const residual = inside ? parts.shift()! : own!;
  const aside: Aside = new Map(asides.map(([name], i) => [name, parts[i]!]));
  return { value: inside ? own : null, residual, aside };
}

/** Not one Split, of which the runtime makes an invalid program where all parts are put together again. */
function cutColumns(build: Build, x: Value, sizes: readonly number[]): Value[] {
  let from = 0;
  return sizes.map((size) => {
    from += size;
    return columns(build, x, from - size, from);
  });
}

function finish(
  build: Build,
  checkpoint: Checkpoint,
  family: Family,
  { residual, tile, withLogits }: { residual: Value; tile: number; withLogits: boolean },
): void {
  const { graph } = build;
  const targets = graph.input('targets', 'int32', ['positions', 'sets']);
  const tiles = wideTiles(graph, headTiles(build, checkpoint, family, tile));
  const { nll, logits } = graph.withPrecision('float32', () => crossEntropy(build, tiles, residual, targets));
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
 * Where more than the residual travels there, the residuals are `value` and `clean_value`, and the other two what is beside them.
 */
export function buildDivergence(
  checkpoint: Checkpoint,
  family: Family,
  options: { maxTokens: number; tile?: number; device?: Device; precision?: Precision | undefined },
): Program {
  const graph = graphFor(options.device, options.precision);
  const last = { layer: family.blocks - 1, site: 'resid_post' } as const;
  const { build, bundle } = start(graph, checkpoint, family, last, options.maxTokens);
  const { value, beside } = widthsAt(family, last);
  const apart = beside > 0 ? graph.input('clean_value', 'float32', ['rows', 'tokens', value]) : null;
  const input = graph.input('clean', 'float32', ['rows', 'tokens', beside || value]);
  const other = bundleOf(build, family, last, apart, input);
  const patched = headInput(family, build, bundle.residual, bundle.aside);
  const clean = headInput(family, build, other.residual, other.aside);
  const targets = graph.input('targets', 'int32', ['positions', 1]);
  const tiles = wideTiles(graph, headTiles(build, checkpoint, family, options.tile ?? family.vocabulary));
  const { nll, kl } = graph.withPrecision('float32', () =>
    divergence(build, tiles, { patched, clean, targets }),
  );
  graph.output(nll, 'nll', 'float32', ['positions', 1]);
  graph.output(kl, 'kl', 'float32', ['positions', 1]);
  return graph.program();
}
