import { describe, expect, it } from 'vitest';
import { Graph } from '../../../runner/onnx/graph.ts';
import { discard, keptOutputs, outputMemory } from '../../../runner/onnx/output-memory.ts';
import { float32, floatsOf, openSession } from '../../../runner/onnx/session.ts';

/** A size that nothing else in the process asks for. */
const COUNT = 5_003;

function negation(): ReturnType<Graph['program']> {
  const graph = new Graph();
  graph.output(graph.node('Neg', [graph.input('x', 'float32', [COUNT])]), 'y', 'float32', [COUNT]);
  return graph.program();
}

describe('memory of outputs', () => {
  it('is used again once an output was given away, whose array is empty then', async () => {
    const session = await openSession(negation(), { threads: 1, binding: 'c-api' });
    try {
      const run = async (value: number): Promise<Float32Array> =>
        floatsOf(await session.run({ x: float32(new Float32Array(COUNT).fill(value), [COUNT]) }), 'y');
      const first = await run(1);
      const second = await run(2);
      const tail = second.subarray(COUNT - 3);
      discard(second);
      expect(second).toHaveLength(0);
      expect(tail).toHaveLength(0);
      const third = await run(3);
      const fourth = await run(4);
      expect(first.every((value) => value === -1)).toBe(true);
      expect(third.every((value) => value === -3)).toBe(true);
      expect(fourth.every((value) => value === -4)).toBe(true);
      expect(second).toHaveLength(0);
    } finally {
      await session.close();
    }
  });

  it('is what was given away last of that size, and given once', () => {
    const bytes = 123_464;
    const marked = new Uint8Array(outputMemory(bytes)).fill(7);
    discard(marked);
    expect(() => discard(marked)).toThrow(TypeError);
    const [again, other] = [new Uint8Array(outputMemory(bytes)), new Uint8Array(outputMemory(bytes))];
    expect(again.every((value) => value === 7)).toBe(true);
    other.fill(1);
    expect(again.every((value) => value === 7)).toBe(true);
    expect(again.buffer).not.toBe(other.buffer);
  });

  it('is not kept of sizes that nobody asks for, nor beyond a limit', () => {
    // More than is ever kept: what other tests left goes.
    const odd = new Uint8Array(65 * 2 ** 20);
    discard(odd);
    expect(odd).toHaveLength(0);
    expect(keptOutputs()).toBe(0);
    const bytes = 30 * 2 ** 20;
    const three = [1, 2, 3].map(() => new Uint8Array(outputMemory(bytes)));
    discard(three[0]!);
    discard(three[1]!);
    expect(keptOutputs()).toBe(2 * bytes);
    // With the third it is too much, and all of it goes.
    discard(three[2]!);
    expect(keptOutputs()).toBe(0);
  });

  it('of shared memory is left alone', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(20_000)).fill(5);
    discard(shared);
    expect(shared.every((value) => value === 5)).toBe(true);
  });
});
