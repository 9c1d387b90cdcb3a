/** Body of a process that checks the C API, and prints `right` where all is: see choose.ts. */
import { Graph } from '../graph.ts';
import { float32, type HostTensor } from '../tensors.ts';
import { isNative, type NativeTensor, plainSettings } from './binding.ts';
import { openCApi } from './c-api/c-api.ts';

const graph = new Graph();
const x = graph.input('x', 'float32', ['n']);
graph.output(graph.node('Add', [x, graph.scalar(1)]), 'y', 'float32', ['n']);

const binding = await openCApi();
const program = graph.program();
const [holding, plain] = [
  await binding.open(program, { ...plainSettings, held: ['y'] }),
  await binding.open(program, plainSettings),
];

// There and back: by a value that stays in the runtime, into another session.
const start = Float32Array.from({ length: 1000 }, (_, i) => i);
const fed = (value: HostTensor | NativeTensor) => () => new Map([['x', value]]);
let value = (await holding.run(fed(float32(start, [1000])), ['y'])).get('y')!;
for (let step = 0; step < 10; step++) {
  const next = (await holding.run(fed(value), ['y'])).get('y')!;
  if (isNative(value)) value.release();
  value = next;
}
const read = isNative(value) ? value.read() : undefined;
const last = (await plain.run(fed(value), ['y'])).get('y')!;
if (isNative(value)) value.release();
const right = [
  [read, 11],
  [last, 12],
] as const;
const passed = right.every(
  ([found, added]) =>
    found !== undefined &&
    !isNative(found) &&
    found.type === 'float32' &&
    found.data.length === start.length &&
    found.data.every((each, i) => each === start[i]! + added),
);
// A refused program is an error, and not the end of the process.
const refused = await binding
  .open({ bytes: new Uint8Array(20), inputs: [], outputs: [] }, { ...plainSettings, logLevel: 4 })
  .then(
    () => false,
    (error: unknown) => error instanceof Error && error.message.length > 0,
  );
await holding.close();
await plain.close();
console.log(passed && refused && binding.version !== '' ? 'right' : 'wrong');
