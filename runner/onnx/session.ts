/**
 * Sessions of onnxruntime. A session runs one program; `run` takes and gives plain typed arrays. Opening one blocks its thread,
 * and so does `run` except on CUDA, so long work belongs in a worker thread (runner/commands/worker.ts); sessions of one thread must be used
 * from that thread alone. How the runtime is reached is decided in binding/: everything that could end the process, were
 * it handed on, is refused here.
 */

import { UnavailableError } from '../errors.ts';
import {
  type BindingName,
  isNative,
  type NativeSession,
  type NativeTensor,
  type OnCpu,
} from './binding/binding.ts';
import { bindingOf } from './binding/choose.ts';
import { copyOf } from './copies.ts';
import { type Device, deviceAdvice, providerOf } from './devices.ts';
import { Graph, type Program } from './graph.ts';
import { HeldTensor } from './held-tensor.ts';
import { arrays, countOf, type HostTensor } from './tensors.ts';
import { countPassed } from './traffic.ts';

export { HeldTensor } from './held-tensor.ts';
export { discard } from './output-memory.ts';
export * from './tensors.ts';

// Read when the runtime is loaded. In a worker thread this changes a copy: the main thread must set it too.
process.env.ORT_DISABLE_TELEMETRY = '1';

/** 3 is errors alone; at 0 the runtime lists which operators a device leaves to the CPU. */
const LOG_LEVEL = process.env.INTERPBOARD_RUNTIME_LOG === '0' ? 0 : 3;

export interface SessionOptions {
  device?: Device;
  /** Threads of one operator; default: what onnxruntime chooses from the machine's cores. */
  threads?: number;
  /** Folder that external initialisers are relative to. */
  folder?: string;
  /** False keeps weights unpacked: less memory, slower products. Default true. */
  prepack?: boolean;
  /** What a device may leave to the CPU, or the session is refused; default arithmetic on shapes. */
  onCpu?: OnCpu;
  /**
   * Whether the thread goes on while a program runs; default on CUDA alone, so that one thread keeps several cards at work: the runtime's
   * other providers share a queue that must not be touched meanwhile.
   */
  aside?: boolean;
  /** How the runtime is reached; default as binding/choose.ts says. For tests. */
  binding?: BindingName;
}

export type Feeds = Readonly<Record<string, HostTensor | HeldTensor>>;

export type Destinations = Readonly<Record<string, HostTensor | HeldTensor>>;

export interface Session {
  /**
   * Runs the program once. Arrays may be of memory that threads share.
   *
   * @param fetches limits the outputs that are computed and returned
   * @param into arrays that these outputs are written to; they are what is returned of them
   */
  run(
    feeds: Feeds,
    fetches?: readonly string[],
    into?: Readonly<Record<string, HostTensor>>,
  ): Promise<Record<string, HostTensor>>;
  close(): Promise<void>;
}

export interface HoldingSession {
  /**
   * Like a session's `run`; of the outputs, those named as held stay where they were computed, to be disposed of. They may be written to a
   * tensor that the same run reads, of the same device, type and shape: what is read after it is written is up to the program's operators.
   */
  run(
    feeds: Feeds,
    fetches?: readonly string[],
    into?: Destinations,
  ): Promise<{ host: Record<string, HostTensor>; held: Record<string, HeldTensor> }>;
  /** Frees the session, and before it every tensor of it that has not been disposed of. */
  close(): Promise<void>;
}

/** Version of the runtime, for provenance. */
export async function runtimeVersion(): Promise<string> {
  return (await bindingOf()).version;
}

/** How the runtime is reached on this machine. */
export async function runtimeBinding(): Promise<BindingName> {
  return (await bindingOf()).name;
}

/**
 * @throws UnavailableError when the device's provider is missing or the program cannot be loaded there
 */
export async function openSession(program: Program, options: SessionOptions = {}): Promise<Session> {
  const { run, close } = await openHoldingSession(program, options, []);
  return {
    async run(feeds, fetches, into) {
      return (await run(feeds, fetches, into)).host;
    },
    close,
  };
}

/**
 * A session whose outputs `held` stay where they are computed: inputs of the next run, of this session or another, without
 * a copy through the host.
 *
 * @throws UnavailableError when the device's provider is missing or cannot run every operator of the program
 */
export async function openHoldingSession(
  program: Program,
  options: SessionOptions,
  held: readonly string[],
): Promise<HoldingSession> {
  const { device = 'cpu' } = options;
  const native = await openNative(program, options, held);
  const tensors = new Set<HeldTensor>();
  /** What reads tensors that do not lie on the CPU, by their type and rank. */
  const readers = new Map<string, Promise<NativeSession>>();
  const running = new Set<Promise<unknown>>();
  let closed = false;

  /** Its numbers, by a session that gives back what it is given: what lies on a device cannot be read in place. */
  async function download(tensor: HeldTensor): Promise<HostTensor> {
    const { elements, dims } = tensor.description();
    const kind = `${elements} ${dims.length}`;
    const reader = readers.get(kind) ?? openReader(elements, dims.length);
    readers.set(kind, reader);
    const found = await (await reader).run(() => new Map([['x', tensor.native()]]), ['y']);
    return found.get('y') as HostTensor;
  }

  async function openReader(elements: HostTensor['type'], rank: number): Promise<NativeSession> {
    const graph = new Graph();
    const shape = Array.from({ length: rank }, (_, axis) => `d${axis}`);
    graph.output(graph.input('x', elements, shape), 'y', elements, shape);
    return openNative(graph.program(), options, []);
  }

  /** Numbers of another device come by the host. */
  async function reachable(feeds: Feeds): Promise<Feeds> {
    const entries: [string, HostTensor | HeldTensor][] = [];
    for (const [name, given] of Object.entries(feeds)) {
      const near = !(given instanceof HeldTensor) || given.device === 'cpu' || given.device === device;
      entries.push([name, near ? given : await given.read()]);
    }
    return Object.fromEntries(entries);
  }

  async function run(
    feeds: Feeds,
    fetches: readonly string[],
    into: Destinations,
  ): ReturnType<HoldingSession['run']> {
    checkNames(program, feeds, fetches);
    const places = new Map<string, HostTensor | NativeTensor>();
    const given = await reachable(feeds);
    const lent: (() => void)[] = [];
    /** An array that lies on the device as well is not carried there again. */
    const lying = (tensor: HostTensor | NativeTensor): HostTensor | NativeTensor => {
      const copy = device === 'cpu' || isNative(tensor) ? undefined : copyOf(tensor, device);
      const part = copy?.tensor.lend(copy.from, tensor.dims) ?? null;
      if (part === null) return tensor;
      lent.push(part.end);
      return part.native;
    };
    const going = native.run(
      () => {
        if (closed) throw new TypeError('a session was asked to run after it was closed');
        const all = new Map(
          program.inputs.map((name) => [name, lying(checked(`input ${name}`, given[name]!))]),
        );
        for (const [name, place] of Object.entries(into)) places.set(name, checked(`output ${name}`, place));
        for (const tensor of all.values()) if (!isNative(tensor)) countPassed('given', tensor);
        return all;
      },
      fetches,
      places,
    );
    const found = await going.finally(() => {
      for (const end of lent) end();
    });
    const outputs: Awaited<ReturnType<HoldingSession['run']>> = { host: {}, held: {} };
    for (const [name, tensor] of found) {
      const place = into[name];
      if (place instanceof HeldTensor && isNative(tensor)) {
        place.replace(tensor);
        outputs.held[name] = place;
      } else if (isNative(tensor)) outputs.held[name] = new HeldTensor(name, tensor, tensors, download);
      else {
        countPassed('taken', tensor);
        outputs.host[name] = tensor;
      }
    }
    return outputs;
  }

  return {
    run(feeds, fetches = program.outputs, into = {}) {
      const going = run(feeds, fetches, into);
      running.add(going);
      return going.finally(() => running.delete(going));
    },
    async close() {
      if (closed) return;
      closed = true;
      // What has begun gives tensors that must be freed too.
      await Promise.allSettled(running);
      for (const tensor of tensors) tensor.dispose();
      for (const reader of await Promise.allSettled(readers.values()))
        if (reader.status === 'fulfilled') await reader.value.close();
      await native.close();
    },
  };
}

async function openNative(
  program: Program,
  options: SessionOptions,
  held: readonly string[],
): Promise<NativeSession> {
  const { device = 'cpu', threads, folder, prepack = true, onCpu = 'shapes' } = options;
  const { aside = providerOf(device) === 'cuda' } = options;
  const binding = await bindingOf(options.binding);
  try {
    return await binding.open(program, {
      device,
      threads,
      folder,
      prepack,
      held,
      onCpu: device === 'cpu' ? 'shapes' : onCpu,
      aside,
      logLevel: LOG_LEVEL,
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UnavailableError(
      {
        thing: `program on device ${device}`,
        found: reason,
        expected: 'a provider and memory for it',
        next: deviceAdvice(device),
      },
      { cause },
    );
  }
}

function checkNames(program: Program, feeds: Feeds, fetches: readonly string[]): void {
  for (const name of program.inputs) if (!(name in feeds)) throw new RangeError(`input ${name}: not given`);
  for (const name of fetches) {
    if (!program.outputs.includes(name)) {
      throw new RangeError(`output ${name}: not of this program, which has ${program.outputs.join(', ')}`);
    }
  }
}

/** What is lent to the runtime: an array that has as many numbers as its dimensions say, or a tensor that is still there. */
function checked(name: string, given: HostTensor | HeldTensor): HostTensor | NativeTensor {
  if (given instanceof HeldTensor) return given.native();
  const { type, data, dims } = given;
  const count = countOf(dims);
  if (!(data instanceof arrays[type])) throw new TypeError(`${name}: not an array of ${type}`);
  if (data.length !== count || dims.some((size) => !Number.isInteger(size) || size < 0)) {
    throw new RangeError(`${name}: ${data.length} numbers, expected [${dims.join(', ')}]`);
  }
  return given;
}
