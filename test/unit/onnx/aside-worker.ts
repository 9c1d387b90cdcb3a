/** Body of a thread that ends while a program of its runs aside. */
import { Graph } from '../../../runner/onnx/graph.ts';
import { float32, openHoldingSession } from '../../../runner/onnx/session.ts';

const graph = new Graph();
const x = graph.input('x', 'float32', [512, 512]);
let y = x;
for (let i = 0; i < 8; i++) y = graph.node('MatMul', [y, x]);
graph.output(y, 'y', 'float32', [512, 512]);
const session = await openHoldingSession(graph.program(), { binding: 'c-api', threads: 1, aside: true }, [
  'y',
]);
const given = { x: float32(new Float32Array(512 * 512), [512, 512]) };
await session.run(given);
void session.run(given);
// The run begins when the event loop has turned.
setTimeout(() => process.exit(7), 3);
