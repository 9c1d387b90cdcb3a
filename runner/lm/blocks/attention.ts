import { none, type Value } from '../../onnx/graph.ts';
import { type Build, byRow } from '../build.ts';
import type { AttentionShape } from './attention-shape.ts';
import { plainAttention } from './plain-attention.ts';
import { rotaryTables, rotate } from './rotary.ts';

/** The operator takes heads of a multiple of 8 numbers, and turns multiples of 16 of heads that are such too. */
const HEAD_STEP = 8;
const TURN_STEP = 16;
/** Place of the sinks among its inputs. */
const SINK_INPUT = 11;
/** Numbers of a head's keys up to which all its scores at once are faster, as measured. */
const SHORT_KEYS = 65_536;
/** Tokens for each number of a head up to which all scores take no more memory than the MLP does. */
const SCORES_HELD = 16;

/**
 * Causal grouped-query attention over positions 0..tokens−1.
 * Rows padded on the right need no mask: no real token looks at a later one.
 *
 * @param query [N, heads·headSize]; key, value [N, kvHeads·headSize]
 * @returns [N, heads·headSize]
 */
export function attention(
  build: Build,
  query: Value,
  key: Value,
  value: Value,
  shape: AttentionShape,
): Value {
  const { graph, rowsAndTokens, kernels } = build;
  const { heads, kvHeads, headSize, rotary, softCap, window } = shape;
  // Rows shorter than the window are answered by the kernel without one.
  const isRight =
    kernels.full &&
    (shape.chunk === undefined || shape.chunk >= build.maxTokens) &&
    (softCap === undefined || kernels.softCapped) &&
    (window === undefined || kernels.windowed);
  if (!isRight) return plainAttention(build, query, key, value, shape);
  const turned = rotary === undefined ? 0 : 2 * rotary.frequencies.length;
  const turnsInside = turned > 0 && turned % TURN_STEP === 0 && headSize % TURN_STEP === 0;
  const padded = Math.ceil(headSize / HEAD_STEP) * HEAD_STEP;
  const prepare = (x: Value, count: number, turns: boolean): Value => {
    let rows = byRow(build, x);
    if (rotary !== undefined && turns && !turnsInside) rows = rotate(build, rows, count, rotary);
    return padded === headSize ? rows : byRow(build, padHeads(build, rows, headSize, count, padded));
  };

  const at = (index: number): Value => graph.node('Gather', [rowsAndTokens, graph.int64s([index])]);
  const tokens = graph.node('Cast', [at(1)], { attributes: { to: 6 } });
  const lastToken = graph.node('Expand', [graph.node('Sub', [tokens, graph.int32s([1])]), at(0)]);
  const inputs = [
    prepare(query, heads, true),
    prepare(key, kvHeads, true),
    prepare(value, kvHeads, false),
    none,
    none,
    lastToken,
    graph.node('Squeeze', [tokens, graph.int64s([0])]),
  ];
  if (rotary !== undefined && turnsInside) {
    const { cos, sin } = rotaryTables(build, rotary);
    inputs.push(cos, sin);
  }
  if (shape.sinks !== undefined) {
    while (inputs.length < SINK_INPUT) inputs.push(none);
    inputs.push(build.weight(shape.sinks, [heads]));
  }
  const [mixed] = graph.nodes('GroupQueryAttention', inputs, {
    domain: 'com.microsoft',
    outputs: isAtOnce(build, headSize) ? 1 : 3,
    attributes: {
      num_heads: heads,
      kv_num_heads: kvHeads,
      do_rotary: turnsInside ? 1 : 0,
      rotary_interleaved: rotary?.interleaved ? 1 : 0,
      scale: { float: shape.scale ?? headSize ** -0.5 },
      ...(window === undefined ? {} : { local_window_size: window }),
      ...(softCap === undefined ? {} : { softcap: { float: softCap } }),
    },
  });
  const flat = graph.node('Reshape', [mixed as Value, graph.int64s([-1, heads, padded])]);
  const cut =
    padded === headSize
      ? flat
      : graph.node('Slice', [flat, graph.int64s([0]), graph.int64s([headSize]), graph.int64s([2])]);
  return graph.node('Reshape', [cut, graph.int64s([-1, heads * headSize])]);
}

/**
 * On the CPU the operator goes through keys in blocks (flash attention) if it is asked for the keys and values it worked
 * on, and else takes all scores at once. The latter is faster up to about SHORT_KEYS numbers of a head's keys: 2.5 times for
 * 256 tokens of 32 with AVX-512 and 1.2 times with AVX2; for 1,024 of 128 it is slower, by 6 % and by 40 %.
 */
function isAtOnce({ graph, kernels, maxTokens }: Build, headSize: number): boolean {
  if (graph.provider !== 'cpu' || kernels.alwaysInBlocks) return false;
  return maxTokens * headSize <= SHORT_KEYS && maxTokens <= SCORES_HELD * headSize;
}

/** Zeros after each head: they change neither scores nor the numbers kept. Gives [N, heads·padded]. */
function padHeads(build: Build, x: Value, headSize: number, heads: number, padded: number): Value {
  const { graph } = build;
  const byHead = graph.node('Reshape', [x, graph.int64s([-1, heads, headSize])]);
  // CUDA has no Pad in bfloat16.
  const wide = graph.inFloat32([byHead], (of) =>
    graph.node('Pad', [of, graph.int64s([0, 0, 0, 0, 0, padded - headSize])]),
  );
  return graph.node('Reshape', [wide, graph.int64s([-1, heads * padded])]);
}
