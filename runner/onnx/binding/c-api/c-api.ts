/**
 * onnxruntime's C API as a binding. Inputs of the host are lent to a run; outputs are copied once, or written by the run to arrays
 * that it is given. Nothing of the runtime points into an array of JavaScript's when the run has ended: in this thread that is one call,
 * which JavaScript cannot interrupt; of a run aside the arrays are kept until then. Outputs that are held stay in the runtime's own memory.
 */
import { isMainThread } from 'node:worker_threads';
import { providerOf } from '../../devices.ts';
import { elementTypes, type Program } from '../../graph.ts';
import { outputMemory } from '../../output-memory.ts';
import { shapeOperators } from '../../shape-operators.ts';
import { arrays, countOf, type HostTensor } from '../../tensors.ts';
import {
  type Binding,
  isNative,
  type NativeSession,
  type NativeTensor,
  type SessionSettings,
} from '../binding.ts';
import { operatorsOnCpu } from './assignment.ts';
import { type Carrier, openCarrier } from './carry.ts';
import type { Argument, Pointer } from './functions.ts';
import { type Library, loadLibrary } from './library.ts';
import { type Memory, memoryOf, sessionOptions } from './session-options.ts';

let loaded: Promise<Library> | undefined;

/** Sessions of this thread that are open: a thread that ends without closing them takes them along. */
const open = new Set<() => void>();

/** @throws UnavailableError where the library cannot be loaded */
export async function openCApi(): Promise<Binding> {
  if (loaded === undefined) {
    loaded = loadLibrary();
    if (!isMainThread) {
      process.once('exit', () => {
        for (const close of open) close();
      });
    }
  }
  const library = await loaded;
  return {
    name: 'c-api',
    version: library.version,
    async open(program, settings) {
      await new Promise(setImmediate);
      return openNative(library, program, settings);
    },
  };
}

/** @throws Error for an operator that the device left to the CPU */
function checkPlaces(library: Library, session: Pointer): void {
  const left = operatorsOnCpu(library, session).filter((operator) => !shapeOperators.includes(operator));
  if (left.length > 0) throw new Error(`the device has no ${left.join(', ')}, which would run on the CPU`);
}

const typeNames = new Map(
  Object.keys(arrays).map((name) => [elementTypes[name as HostTensor['type']], name as HostTensor['type']]),
);

/** What an empty array is lent as: it may have no address of its own. */
const nothing = new Uint8Array(8);

interface CApiTensor extends NativeTensor {
  readonly pointer: Pointer;
}

function openNative(library: Library, program: Program, settings: SessionSettings): NativeSession {
  const { api, check, made, copy } = library;
  const cpu = memoryOf(library, 'cpu');
  const here = memoryOf(library, settings.device);
  const onCard = providerOf(settings.device) === 'cuda';
  const options = sessionOptions(library, settings);
  let session: Pointer;
  try {
    const { bytes } = program;
    session = made((out) =>
      api.CreateSessionFromArray(library.environment, bytes, bytes.byteLength, options, out),
    );
  } finally {
    api.ReleaseSessionOptions(options);
  }
  let binding: Pointer;
  let carrier: Carrier | null = null;
  try {
    if (settings.device !== 'cpu') checkPlaces(library, session);
    if (onCard) carrier = openCarrier(library, session, here, program.inputs);
    binding = made((out) => api.CreateIoBinding(session, out));
  } catch (error) {
    carrier?.close();
    api.ReleaseSession(session);
    throw error;
  }
  const allocator = made((out) => api.GetAllocatorWithDefaultOptions(out));
  const held = new Set(settings.held);

  /** A value of the runtime over numbers that lie somewhere already. */
  function valueOver(
    { info }: Memory,
    from: Argument,
    bytes: number,
    elements: HostTensor['type'],
    dims: readonly number[],
  ): Pointer {
    const shape = BigInt64Array.from(dims, BigInt);
    return made((out) =>
      api.CreateTensorWithDataAsOrtValue(info, from, bytes, shape, dims.length, elementTypes[elements], out),
    );
  }

  /** A value whose numbers stay in the array: released before anything else can happen to that. */
  function lend({ type, data, dims }: HostTensor): Pointer {
    return valueOver(cpu, data.byteLength === 0 ? nothing : data, data.byteLength, type, dims);
  }

  const type = new Int32Array(1);
  const shapeAt = new BigUint64Array(1);
  const rank = new BigUint64Array(1);

  function describe(value: Pointer, name: string): { elements: HostTensor['type']; dims: number[] } {
    check(api.GetTensorElementTypeAndShapeDataReference(value, type, shapeAt, rank));
    const sizes = new BigInt64Array(Number(rank[0]));
    copy(sizes, shapeAt[0]!, sizes.byteLength);
    const elements = typeNames.get(type[0] as (typeof elementTypes)[HostTensor['type']]);
    if (elements === undefined)
      throw new TypeError(`output ${name}: element type ${type[0]} is not one that programs return`);
    return { elements, dims: Array.from(sizes, Number) };
  }

  function read(value: Pointer, elements: HostTensor['type'], dims: readonly number[]): HostTensor {
    const count = countOf(dims);
    // An empty tensor may lie nowhere. Of another every byte is written: zeros first would take as long again.
    if (count === 0) return { type: elements, dims, data: new arrays[elements](0) } as HostTensor;
    const bytes = count * arrays[elements].BYTES_PER_ELEMENT;
    const data = new arrays[elements](outputMemory(bytes), 0, count);
    const from = made((out) => api.GetTensorMutableData(value, out));
    copy(data, from, bytes);
    return { type: elements, dims, data } as HostTensor;
  }

  /** A value as a tensor on the session's device, which owns it. */
  function owned(value: Pointer, elements: HostTensor['type'], dims: readonly number[]): CApiTensor {
    return {
      elements,
      dims,
      device: here.device,
      pointer: value,
      read: () => read(value, elements, dims),
      part: (from, shape) => part(value, elements, from, shape),
      release: () => api.ReleaseValue(value),
    };
  }

  /** CUDA's memory has addresses, as the CPU's; that of others has handles, which cannot point into it. */
  function part(
    value: Pointer,
    elements: HostTensor['type'],
    from: number,
    dims: readonly number[],
  ): CApiTensor | null {
    if (from !== 0 && !['cpu', 'cuda'].includes(providerOf(here.device))) return null;
    const size = arrays[elements].BYTES_PER_ELEMENT;
    const at = made((out) => api.GetTensorMutableData(value, out)) + BigInt(from * size);
    return owned(valueOver(here, at, countOf(dims) * size, elements, dims), elements, dims);
  }

  /** The values that the last run gave, in the order in which its outputs were bound. */
  function outputValues(count: number): Pointer[] {
    check(api.GetBoundOutputValues(binding, allocator, shapeAt, rank));
    const at = shapeAt[0]!;
    const found = new BigUint64Array(Number(rank[0]));
    copy(found, at, found.byteLength);
    if (at !== 0n) check(api.AllocatorFree(allocator, at));
    if (found.length === count) return [...found];
    for (const value of found) api.ReleaseValue(value);
    throw new Error(`${found.length} outputs, expected ${count}`);
  }

  type Tensors = Map<string, HostTensor | NativeTensor>;

  /** @param lent takes what must be released when the run has ended */
  function bind(
    feeds: ReadonlyMap<string, HostTensor | NativeTensor>,
    outputs: readonly string[],
    into: ReadonlyMap<string, HostTensor | NativeTensor>,
    lent: Pointer[],
  ): void {
    for (const [name, given] of feeds) {
      if (!isNative(given)) lent.push(carrier?.carry(name, given) ?? lend(given));
      check(api.BindInput(binding, name, isNative(given) ? (given as CApiTensor).pointer : lent.at(-1)!));
    }
    for (const name of outputs) {
      const place = into.get(name);
      if (place !== undefined) {
        if (!isNative(place)) lent.push(lend(place));
        check(api.BindOutput(binding, name, isNative(place) ? (place as CApiTensor).pointer : lent.at(-1)!));
      } else check(api.BindOutputToDevice(binding, name, held.has(name) ? here.info : cpu.info));
    }
  }

  function given(outputs: readonly string[], into: ReadonlyMap<string, HostTensor | NativeTensor>): Tensors {
    // A run on a card ends when its stream is done; this would wait for those of all other sessions as well.
    if (!onCard) check(api.SynchronizeBoundOutputs(binding));
    return taken(outputValues(outputs.length), outputs, into);
  }

  function unbind(lent: readonly Pointer[]): void {
    api.ClearBoundInputs(binding);
    api.ClearBoundOutputs(binding);
    for (const value of lent) api.ReleaseValue(value);
  }

  function run(
    feeds: ReadonlyMap<string, HostTensor | NativeTensor>,
    outputs: readonly string[],
    into: ReadonlyMap<string, HostTensor | NativeTensor>,
  ): Tensors {
    const lent: Pointer[] = [];
    try {
      bind(feeds, outputs, into, lent);
      check(api.RunWithBinding(session, null, binding));
      return given(outputs, into);
    } finally {
      unbind(lent);
    }
  }

  /** The last of the runs aside, which share the binding. */
  let turn: Promise<unknown> = Promise.resolve();
  /** What a run aside reads and writes, so that it stays where it is. */
  let away: unknown = null;

  async function runAside(
    feeds: ReadonlyMap<string, HostTensor | NativeTensor>,
    outputs: readonly string[],
    into: ReadonlyMap<string, HostTensor | NativeTensor>,
  ): Promise<Tensors> {
    const lent: Pointer[] = [];
    try {
      bind(feeds, outputs, into, lent);
      away = [feeds, into];
      await library.aside('RunWithBinding', session, null, binding);
      return given(outputs, into);
    } finally {
      away = null;
      unbind(lent);
    }
  }

  function taken(
    values: readonly Pointer[],
    outputs: readonly string[],
    into: ReadonlyMap<string, HostTensor | NativeTensor>,
  ): Map<string, HostTensor | NativeTensor> {
    const found = new Map<string, HostTensor | NativeTensor>();
    const waiting = new Set(values);
    try {
      for (const [i, name] of outputs.entries()) {
        const value = values[i]!;
        const place = into.get(name);
        if (place !== undefined) found.set(name, place);
        else {
          const { elements, dims } = describe(value, name);
          const stays = held.has(name);
          found.set(name, (stays ? owned : read)(value, elements, dims));
          if (stays) waiting.delete(value);
        }
      }
      return found;
    } catch (error) {
      for (const [name, tensor] of found) if (isNative(tensor) && !into.has(name)) tensor.release();
      throw error;
    } finally {
      for (const value of waiting) api.ReleaseValue(value);
    }
  }

  function close(): void {
    // A thread that ends during a run leaves what that uses to the end of the process.
    if (!open.delete(close) || away !== null) return;
    api.ReleaseIoBinding(binding);
    carrier?.close();
    api.ReleaseSession(session);
  }
  open.add(close);

  return {
    async run(ready, outputs, into = new Map()) {
      await new Promise(setImmediate);
      if (!settings.aside) return run(ready(), outputs, into);
      const found = turn.then(() => runAside(ready(), outputs, into));
      turn = found.catch(() => undefined);
      return found;
    },
    async close() {
      close();
    },
  };
}
