/** Run in a process with a WebGPU device: what the C API does with one, as JSON. */
import { Graph } from '../../runner/onnx/graph.ts';
import { float32, floatsOf, openHoldingSession, openSession } from '../../runner/onnx/session.ts';

const device = 'webgpu';
const binding = 'c-api';

/** y = x + rows of x, counted from its shape; z = an operator of x, if one is named. */
function program(operator?: string) {
  const graph = new Graph();
  const x = graph.input('x', 'float32', ['n', 2]);
  const rows = graph.node('Gather', [graph.node('Shape', [x]), graph.int64s([0], [])]);
  const added = graph.node('Cast', [rows], { attributes: { to: 1 } });
  graph.output(graph.node('Add', [x, added]), 'y', 'float32', ['n', 2]);
  if (operator !== undefined) graph.output(graph.node(operator, [x]), 'z', 'float32', []);
  return graph.program();
}

const x = float32(Float32Array.of(1, 2, 3, 4), [2, 2]);
const said = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const refused = await openSession(program('Det'), { device, binding }).then(() => 'opened', said);
const strict = await openSession(program(), { device, binding, onCpu: 'nothing' }).then(() => 'opened', said);

const session = await openHoldingSession(program(), { device, binding }, ['y']);
const onCpu = await openSession(program(), { binding });
const first = (await session.run({ x })).held.y!;
const second = (await session.run({ x: first })).held.y!;
const read = floatsOf({ y: await second.read() }, 'y');
// By the host: a session on the CPU is not given memory of the device.
const across = floatsOf(await onCpu.run({ x: second }), 'y');
first.dispose();
const released = await session.run({ x: first }).then(() => 'ran', said);
const place = second.device;
await session.close();
const late = await second.read().then(() => 'read', said);
await onCpu.close();
console.log(JSON.stringify({ refused, strict, place, read: [...read], across: [...across], released, late }));
