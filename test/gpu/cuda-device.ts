/** Run in a process of its own: what a session on CUDA gives, or says. */
import { Graph } from '../../runner/onnx/graph.ts';
import { float32, floatsOf, openSession } from '../../runner/onnx/session.ts';

const graph = new Graph();
graph.output(graph.node('Add', [graph.input('x', 'float32', [1]), graph.scalar(1)]), 'y', 'float32', [1]);
try {
  const session = await openSession(graph.program(), { device: 'cuda:0' });
  console.log(floatsOf(await session.run({ x: float32(new Float32Array(1), [1]) }), 'y')[0]);
} catch (error) {
  console.log(error instanceof Error ? error.message : error);
}
