/** Weights of four bits with a scale for each 32 (OCP Microscaling Formats v1.0, MXFP4), as gpt-oss stores them. */
import { elementTypes, type Value } from '../../onnx/graph.ts';
import type { Build } from '../build.ts';

/** What the sixteen codes of E2M1 stand for. */
const VALUES = [0, 0.5, 1, 1.5, 2, 3, 4, 6, -0, -0.5, -1, -1.5, -2, -3, -4, -6];
const BLOCK = 32;
/** Scales are stored as exponents of 2 plus this. */
const BIAS = 127;

/**
 * One of `count` weights [to, from] in the graph's precision, each value exactly that of the format but for float16's range: `name`_blocks [count, to,
 * from / 32, 16], the first of two numbers in the lower half of a byte, and `name`_scales [count, to, from / 32].
 * All of it is a constant, which is computed once when the session is made.
 */
export function mxfp4(
  build: Build,
  name: string,
  { count, to, from }: { count: number; to: number; from: number },
  part: number,
): Value {
  const { graph } = build;
  return graph.inFloat32([], () => decoded(build, name, { count, to, from }, part));
}

function decoded(
  build: Build,
  name: string,
  { count, to, from }: { count: number; to: number; from: number },
  part: number,
): Value {
  const { graph } = build;
  const groups = from / BLOCK;
  const blocks = build.bytes(`${name}_blocks`, [count, to, groups, BLOCK / 2], part);
  const low = graph.node('BitwiseAnd', [blocks, graph.uint8(15)]);
  const high = graph.node('BitShift', [blocks, graph.uint8(4)], {
    attributes: { direction: { string: 'RIGHT' } },
  });
  const last = graph.int64s([-1]);
  const codes = [low, high].map((half) => {
    const index = graph.node('Cast', [half], { attributes: { to: elementTypes.int32 } });
    return graph.node('Unsqueeze', [index, last]);
  });
  const pairs = graph.node('Concat', codes, { attributes: { axis: -1 } });
  const values = graph.node('Gather', [graph.floats(VALUES, [VALUES.length]), pairs]);
  const stored = build.bytes(`${name}_scales`, [count, to, groups], part);
  const exponent = graph.node('Sub', [
    graph.node('Cast', [stored], { attributes: { to: elementTypes.float32 } }),
    graph.scalar(BIAS),
  ]);
  const scale = graph.node('Unsqueeze', [graph.node('Pow', [graph.scalar(2), exponent]), last]);
  const byGroup = graph.node('Reshape', [values, graph.int64s([to, groups, BLOCK])]);
  return graph.node('Reshape', [graph.node('Mul', [byGroup, scale]), graph.int64s([to, from])]);
}
