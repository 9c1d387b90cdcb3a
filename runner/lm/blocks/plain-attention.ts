import type { Value } from '../../onnx/graph.ts';
import { type Build, byRow } from '../build.ts';
import type { AttentionShape } from './attention-shape.ts';
import { softCap } from './linear.ts';
import { rotate } from './rotary.ts';

/** Score of a token that is not seen: its share rounds to zero, and sums stay finite. */
const UNSEEN = -1e30;

/**
 * Attention out of products and a softmax, for devices whose own kernel gives wrong answers. All scores exist at a
 * time: rows · heads · tokens² of them.
 *
 * @param query [N, heads·headSize]; key, value [N, kvHeads·headSize]
 * @returns [N, heads·headSize]
 */
export function plainAttention(
  build: Build,
  query: Value,
  key: Value,
  value: Value,
  shape: AttentionShape,
): Value {
  const { graph, rowsAndTokens } = build;
  const { heads, kvHeads, headSize, rotary } = shape;
  const turned = (x: Value, count: number): Value =>
    rotary === undefined ? byRow(build, x) : rotate(build, byRow(build, x), count, rotary);
  const shapeOf = (...sizes: number[]): Value =>
    graph.node('Concat', [rowsAndTokens, graph.int64s(sizes)], { attributes: { axis: 0 } });
  const transposed = (x: Value, ...perm: number[]): Value =>
    graph.node('Transpose', [x], { attributes: { perm: { ints: perm } } });

  // Queries of one key head stand together: [rows, kvHeads, queries a key head, tokens, headSize].
  const group = heads / kvHeads;
  const q = transposed(
    graph.node('Reshape', [turned(query, heads), shapeOf(kvHeads, group, headSize)]),
    0,
    2,
    3,
    1,
    4,
  );
  const byHead = (x: Value): Value => graph.node('Reshape', [x, shapeOf(kvHeads, 1, headSize)]);
  const k = transposed(byHead(turned(key, kvHeads)), 0, 2, 3, 4, 1);
  const v = transposed(byHead(byRow(build, value)), 0, 2, 3, 1, 4);

  const shares = graph.inFloat32([graph.node('MatMul', [q, k])], (product) => {
    const scaled = graph.node('Mul', [product, graph.scalar(shape.scale ?? headSize ** -0.5)]);
    const scores = shape.softCap === undefined ? scaled : softCap(build, scaled, shape.softCap);
    const seen = graph.node('Where', [mask(build, shape), scores, graph.scalar(UNSEEN)]);
    return shape.sinks === undefined ? softmax(build, seen) : besideSinks(build, seen, shape);
  });
  const mixed = transposed(graph.node('MatMul', [shares, v]), 0, 3, 1, 2, 4);
  return graph.node('Reshape', [mixed, graph.int64s([-1, heads * headSize])]);
}

function softmax({ graph }: Build, scores: Value): Value {
  return graph.node('Softmax', [scores], { attributes: { axis: -1 } });
}

/** Shares of scores [rows, kvHeads, queries a key head, tokens, tokens], the sinks' own left out. */
function besideSinks(build: Build, scores: Value, { sinks, heads, kvHeads }: AttentionShape): Value {
  const { graph } = build;
  const last = graph.int64s([-1]);
  const lead = graph.node('Shape', [scores], { attributes: { end: -1 } });
  const columns = graph.node('Concat', [lead, graph.int64s([1])], { attributes: { axis: 0 } });
  const byHead = graph.int64s([1, kvHeads, heads / kvHeads, 1, 1]);
  const sink = graph.node('Reshape', [build.weight(sinks!, [heads]), byHead]);
  const column = graph.node('Expand', [sink, columns]);
  const all = softmax(build, graph.node('Concat', [scores, column], { attributes: { axis: -1 } }));
  return graph.node('Slice', [all, graph.int64s([0]), last, last]);
}

/** Whether the token of a row sees that of a column: bool [tokens, tokens]. */
function mask(
  { graph, rowsAndTokens, maxTokens }: Build,
  { window, chunk = maxTokens }: Pick<AttentionShape, 'window' | 'chunk'>,
): Value {
  const tokens = graph.node('Cast', [graph.node('Gather', [rowsAndTokens, graph.int64s([1], [])])], {
    attributes: { to: 6 },
  });
  const places = graph.node('Range', [graph.int32s([0], []), tokens, graph.int32s([1], [])]);
  const numbers = graph.node('Cast', [places], { attributes: { to: 1 } });
  const before = graph.node('Sub', [
    graph.node('Unsqueeze', [numbers, graph.int64s([1])]),
    graph.node('Unsqueeze', [numbers, graph.int64s([0])]),
  ]);
  const past = graph.node('GreaterOrEqual', [before, graph.scalar(0)]);
  if (chunk < maxTokens) {
    const seen = Float32Array.from({ length: maxTokens }, (_, position) => (position % chunk) + 1);
    const all = graph.floats(seen, [maxTokens, 1]);
    const count = graph.node('Gather', [rowsAndTokens, graph.int64s([1])]);
    const ofRow = graph.node('Slice', [all, graph.int64s([0]), count]);
    return graph.node('And', [past, graph.node('Less', [before, ofRow])]);
  }
  if (window === undefined) return past;
  return graph.node('And', [past, graph.node('Less', [before, graph.scalar(window)])]);
}
