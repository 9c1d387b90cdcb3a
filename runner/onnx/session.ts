/**
 * Sessions of onnxruntime: the only file that imports onnxruntime-node. A session runs one program; `run` takes and
 * gives plain typed arrays. `create` and `run` block their thread, so long work belongs in a worker thread
 * (runner/commands/worker.ts); sessions of one thread must be used from that thread alone.
 */
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { UnavailableError } from '../errors.ts';
import { type Device, deviceAdvice, executionProvider } from './devices.ts';
import type { Program } from './graph.ts';
import { unloadable } from './unloadable.ts';

// Read when the runtime is loaded. In a worker thread this changes a copy: the main thread must set it too.
process.env.ORT_DISABLE_TELEMETRY = '1';

/** 3 is errors alone; at 0 the runtime lists which operators a device leaves to the CPU. */
const LOG_LEVEL = process.env.INTERPBOARD_RUNTIME_LOG === '0' ? 0 : 3;

export interface Array32 {
  type: 'float32';
  dims: readonly number[];
  data: Float32Array;
}

export interface ArrayInt32 {
  type: 'int32';
  dims: readonly number[];
  data: Int32Array;
}

export interface ArrayInt64 {
  type: 'int64';
  dims: readonly number[];
  data: BigInt64Array;
}

export interface ArrayBool {
  type: 'bool';
  dims: readonly number[];
  data: Uint8Array;
}

export interface ArrayUint8 {
  type: 'uint8';
  dims: readonly number[];
  data: Uint8Array;
}

export interface ArrayInt8 {
  type: 'int8';
  dims: readonly number[];
  data: Int8Array;
}

export type HostTensor = Array32 | ArrayInt32 | ArrayInt64 | ArrayBool | ArrayUint8 | ArrayInt8;

export interface SessionOptions {
  device?: Device;
  /** Threads of one operator; default: what onnxruntime chooses from the machine's cores. */
  threads?: number;
  /** Folder that external initialisers are relative to. */
  folder?: string;
  /** False keeps weights unpacked: less memory, slower products. Default true. */
  prepack?: boolean;
}

export interface Session {
  /** Runs the program once. `fetches` limits the outputs that are computed and returned. */
  run(feeds: Record<string, HostTensor>, fetches?: readonly string[]): Promise<Record<string, HostTensor>>;
  close(): Promise<void>;
}

export function float32(data: Float32Array, dims: readonly number[]): Array32 {
  return { type: 'float32', dims, data };
}

export function int32(data: Int32Array, dims: readonly number[]): ArrayInt32 {
  return { type: 'int32', dims, data };
}

export function uint8(data: Uint8Array, dims: readonly number[]): ArrayUint8 {
  return { type: 'uint8', dims, data };
}

export function int8(data: Int8Array, dims: readonly number[]): ArrayInt8 {
  return { type: 'int8', dims, data };
}

/** The float32 output of that name; a program's outputs have fixed types, so another type is a defect here. */
export function floatsOf(outputs: Record<string, HostTensor>, name: string): Float32Array {
  const found = outputs[name];
  if (found?.type !== 'float32')
    throw new TypeError(`output ${name}: expected float32, found ${found?.type ?? 'nothing'}`);
  return found.data;
}

export function int32sOf(outputs: Record<string, HostTensor>, name: string): Int32Array {
  const found = outputs[name];
  if (found?.type !== 'int32')
    throw new TypeError(`output ${name}: expected int32, found ${found?.type ?? 'nothing'}`);
  return found.data;
}

export function uint8sOf(outputs: Record<string, HostTensor>, name: string): Uint8Array {
  const found = outputs[name];
  if (found?.type !== 'uint8')
    throw new TypeError(`output ${name}: expected uint8, found ${found?.type ?? 'nothing'}`);
  return found.data;
}

/**
 * Frees an output whose numbers have been read. Left to the garbage collector, megabytes that come and go with every run
 * make it look through everything every few runs.
 */
export function discard({ buffer }: Float32Array | Int32Array | Uint8Array): void {
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}

type Runtime = typeof import('onnxruntime-node');

/**
 * The native library, loaded when it is first needed.
 *
 * @param load for tests
 * @throws UnavailableError where the system lacks what it is linked with
 */
export async function loadRuntime(
  load: () => Promise<Runtime> = () => import('onnxruntime-node'),
): Promise<Runtime> {
  try {
    return await load();
  } catch (cause) {
    throw (cause as NodeJS.ErrnoException).code === 'ERR_DLOPEN_FAILED' ? unloadable(cause) : cause;
  }
}

/** Version of the runtime, for provenance. */
export async function runtimeVersion(): Promise<string> {
  const { env } = await loadRuntime();
  return env.versions.node ?? env.versions.common;
}

/**
 * @throws UnavailableError when the device's provider is missing or the program cannot be loaded there
 */
export async function openSession(program: Program, options: SessionOptions = {}): Promise<Session> {
  const { runtime, session } = await create(program, options, {});
  return {
    async run(feeds, fetches = program.outputs) {
      const inputs: Record<string, Tensor> = {};
      for (const [key, tensor] of Object.entries(feeds))
        inputs[key] = new runtime.Tensor(tensor.type, tensor.data, tensor.dims);
      const outputs = await session.run(inputs, [...fetches]);
      return Object.fromEntries(
        Object.entries(outputs).map(([key, tensor]) => [key, hostTensor(key, tensor)]),
      );
    },
    async close() {
      await session.release();
    },
  };
}

/**
 * A tensor that lies on a device. Only a session on that device takes it: to another it would be silent garbage.
 * Its numbers are read by running a program that gives them back as outputs of its own.
 */
export interface DeviceTensor {
  readonly type: 'device';
  readonly device: Device;
  readonly tensor: Tensor;
  /** Frees its memory, once. */
  dispose(): void;
}

export interface ResidentSession {
  /** Outputs named as resident stay on the device, to be disposed of; the others are copied to the host. */
  run(
    feeds: Record<string, HostTensor | DeviceTensor>,
  ): Promise<{ host: Record<string, HostTensor>; resident: Record<string, DeviceTensor> }>;
  close(): Promise<void>;
}

/**
 * A session on a GPU whose outputs `resident` stay there. Every operator runs on the device, or the session is refused.
 *
 * @throws UnavailableError when the device's provider is missing or cannot run every operator of the program
 */
export async function openResidentSession(
  program: Program,
  options: SessionOptions & { device: Device },
  resident: readonly string[],
): Promise<ResidentSession> {
  const { device } = options;
  const { runtime, session } = await create(program, options, {
    preferredOutputLocation: Object.fromEntries(
      program.outputs.map((name) => [name, resident.includes(name) ? 'gpu-buffer' : 'cpu'] as const),
    ),
  });
  return {
    async run(feeds) {
      const inputs: Record<string, Tensor> = {};
      for (const [key, given] of Object.entries(feeds)) {
        if (given.type !== 'device') inputs[key] = new runtime.Tensor(given.type, given.data, given.dims);
        else if (given.device === device) inputs[key] = given.tensor;
        else throw new TypeError(`input ${key}: a tensor of ${given.device} given to a session on ${device}`);
      }
      const outputs = await session.run(inputs);
      const host: Record<string, HostTensor> = {};
      const kept: Record<string, DeviceTensor> = {};
      for (const [key, tensor] of Object.entries(outputs)) {
        if (!resident.includes(key)) host[key] = hostTensor(key, tensor);
        else kept[key] = { type: 'device', device, tensor, dispose: () => tensor.dispose() };
      }
      return { host, resident: kept };
    },
    async close() {
      await session.release();
    },
  };
}

async function create(
  program: Program,
  options: SessionOptions,
  more: Pick<InferenceSession.SessionOptions, 'preferredOutputLocation'>,
) {
  const runtime = await loadRuntime();
  const device = options.device ?? 'cpu';
  const { name, deviceId } = executionProvider(device);
  const settings: InferenceSession.SessionOptions = {
    executionProviders: [deviceId === undefined ? { name } : { name, deviceId }] as NonNullable<
      InferenceSession.SessionOptions['executionProviders']
    >,
    logSeverityLevel: LOG_LEVEL,
    extra: {
      session: {
        ...(options.folder === undefined
          ? {}
          : { model_external_initializers_file_folder_path: options.folder }),
        ...(options.prepack === false ? { disable_prepacking: '1' } : {}),
        ...(more.preferredOutputLocation === undefined ? {} : { disable_cpu_ep_fallback: '1' }),
        // Waiting threads sleep: on a machine that does anything else, spinning ones take the cores from each other.
        intra_op: { allow_spinning: '0' },
      },
    },
    ...(options.threads === undefined ? {} : { intraOpNumThreads: options.threads }),
    ...more,
  };
  try {
    return { runtime, session: await runtime.InferenceSession.create(program.bytes, settings) };
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

function hostTensor(name: string, tensor: Tensor): HostTensor {
  const { data, dims, type } = tensor;
  if (type === 'float32' && data instanceof Float32Array) return { type, dims, data };
  if (type === 'int32' && data instanceof Int32Array) return { type, dims, data };
  if (type === 'int64' && data instanceof BigInt64Array) return { type, dims, data };
  if (type === 'uint8' && data instanceof Uint8Array) return { type, dims, data };
  if (type === 'int8' && data instanceof Int8Array) return { type, dims, data };
  if (type === 'bool' && data instanceof Uint8Array) return { type, dims, data };
  throw new TypeError(`output ${name}: element type ${type} is not one that programs return`);
}
