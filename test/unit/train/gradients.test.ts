import { describe, expect, it } from 'vitest';
import { Graph, type Provider, type Value } from '../../../runner/onnx/graph.ts';
import { float32, floatsOf, openSession } from '../../../runner/onnx/session.ts';
import { meanOverTokens, sumAll, sumOverTokens } from '../../../runner/train/gradients.ts';

const WIDTH = 6;

/** Whole numbers, of which every order of summation gives the same. */
function whole(count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => ((i * 7) % 23) - 11);
}

/** What a part of a program for a provider gives, computed on the CPU. */
async function computed(
  provider: Provider,
  data: Float32Array,
  dims: readonly number[],
  build: (graph: Graph, x: Value) => Value,
): Promise<Float32Array> {
  const graph = new Graph('', { provider });
  const y = build(graph, graph.input('x', 'float32', dims));
  graph.output(y, 'y', 'float32', []);
  const session = await openSession(graph.program());
  try {
    return floatsOf(await session.run({ x: float32(data, dims) }), 'y');
  } finally {
    await session.close();
  }
}

describe('sums for CUDA, which add few rows at a time, are those of other providers', () => {
  // Few enough, one more, a prime, rows that are added in three rounds, and a usual batch.
  it.each([1, 127, 128, 131, 127 * 128, 2_048])('over %i tokens', async (tokens) => {
    const x = whole(tokens * WIDTH);
    const expected = new Float32Array(WIDTH);
    for (const [i, value] of x.entries()) expected[i % WIDTH]! += value;
    for (const provider of ['cpu', 'cuda'] as const) {
      const of = (build: (graph: Graph, x: Value) => Value) => computed(provider, x, [tokens, WIDTH], build);
      expect(await of((graph, value) => sumOverTokens(graph, value, tokens))).toEqual(expected);
      const mean = await of((graph, value) => meanOverTokens(graph, value, tokens));
      for (const [i, value] of mean.entries()) expect(value).toBeCloseTo(expected[i]! / tokens, 5);
    }
  });

  it.each([[[1]], [[4_999]], [[60, 83]], [[4_980, 1]]])('of all numbers of %j', async (dims) => {
    const x = whole(dims.reduce((product, size) => product * size));
    const sums = { ReduceSum: 0, ReduceSumSquare: 0 };
    for (const value of x) {
      sums.ReduceSum += value;
      sums.ReduceSumSquare += value * value;
    }
    for (const provider of ['cpu', 'cuda'] as const)
      for (const op of ['ReduceSum', 'ReduceSumSquare'] as const)
        expect([...(await computed(provider, x, dims, (graph, value) => sumAll(graph, op, value)))]).toEqual([
          sums[op],
        ]);
  });
});
