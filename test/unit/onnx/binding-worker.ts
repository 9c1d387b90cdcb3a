/** Body of a thread that runs a program fifty times, says what came of it, and ends with its sessions open. */
import { parentPort, workerData } from 'node:worker_threads';
import type { BindingName } from '../../../runner/onnx/binding/binding.ts';
import { Graph } from '../../../runner/onnx/graph.ts';
import {
  float32,
  floatsOf,
  type HeldTensor,
  openHoldingSession,
  openSession,
} from '../../../runner/onnx/session.ts';

const { binding, aside, seed } = workerData as { binding: BindingName; aside: boolean; seed: number };
const graph = new Graph();
graph.output(graph.node('Add', [graph.input('x', 'float32', [2]), graph.scalar(1)]), 'y', 'float32', [2]);
const program = graph.program();
const session = await openHoldingSession(program, { binding, aside, threads: 2 }, ['y']);
let x: HeldTensor = (await session.run({ x: float32(Float32Array.of(seed, seed + 1), [2]) })).held.y!;
for (let step = 0; step < 48; step++) {
  const { y } = (await session.run({ x })).held;
  x.dispose();
  x = y!;
}
const last = await openSession(program, { binding, aside, threads: 2 });
parentPort!.postMessage([...floatsOf(await last.run({ x }), 'y')]);
