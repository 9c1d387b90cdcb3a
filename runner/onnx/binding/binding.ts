/**
 * How the runtime is reached: one small interface, which each binding implements whole. What is asked for has been checked
 * before (session.ts): names that the program has, arrays as long as their dimensions say, tensors not yet released.
 */
import type { Device } from '../devices.ts';
import type { Program } from '../graph.ts';
import type { HostTensor } from '../tensors.ts';

/** onnxruntime's C API, or the JavaScript binding of onnxruntime-node. Both use the same library. */
export const bindingNames = ['c-api', 'package'] as const;

export type BindingName = (typeof bindingNames)[number];

export interface Binding {
  readonly name: BindingName;
  /** Of onnxruntime's library, as it says itself. */
  readonly version: string;
  /** @throws Error in onnxruntime's words, where it refuses the program or the device */
  open(program: Program, settings: SessionSettings): Promise<NativeSession>;
}

/**
 * Arithmetic on shapes (shape-operators.ts), or nothing at all. The package's binding is not told who computes what: by it the first
 * is whatever the device lacks.
 */
export type OnCpu = 'shapes' | 'nothing';

export interface SessionSettings {
  device: Device;
  /** Threads of one operator; undefined: what onnxruntime chooses from the machine's cores. */
  threads: number | undefined;
  /** Folder that external initialisers are relative to. */
  folder: string | undefined;
  prepack: boolean;
  /** Outputs that stay where they are computed. */
  held: readonly string[];
  /** What a device may leave to the CPU. */
  onCpu: OnCpu;
  /** Whether the thread goes on with other work while a program runs. The package's binding ignores it. */
  aside: boolean;
  /** 0 (everything) to 4. */
  logLevel: number;
}

/** On one thread of the CPU, with nothing held and nothing special: what checks and tests of a binding begin with. */
export const plainSettings: SessionSettings = {
  device: 'cpu',
  threads: 1,
  folder: undefined,
  prepack: true,
  held: [],
  onCpu: 'shapes',
  aside: false,
  logLevel: 3,
};

export interface NativeSession {
  /**
   * Runs the program once, in this thread unless it was opened to run aside; then runs of one session wait for each other. The event
   * loop turns before, so that a stop is heard between runs.
   *
   * @param ready asked when it has turned: what it gives is used at once, so that nothing of it can be released meanwhile
   * @param into where these of the outputs are written to, asked for when `ready` has been: arrays, or of outputs that are held tensors, of
   * which a binding that cannot write to them gives another one
   * @returns a tensor of the runtime for each output that is held, an array for each other
   */
  run(
    ready: () => ReadonlyMap<string, HostTensor | NativeTensor>,
    outputs: readonly string[],
    into?: ReadonlyMap<string, HostTensor | NativeTensor>,
  ): Promise<Map<string, HostTensor | NativeTensor>>;
  /** After this no call may come. Tensors that it gave are released before. */
  close(): Promise<void>;
}

/** A tensor in the runtime's memory. */
export interface NativeTensor {
  readonly elements: HostTensor['type'];
  readonly dims: readonly number[];
  /** Where its numbers lie. */
  readonly device: Device;
  /** Its numbers, as an array of the host's own: of a tensor that lies on the CPU alone. */
  read(): HostTensor;
  /**
   * Some of its numbers that lie one after the other, in another shape, without a copy: a tensor of its own, released before this
   * one. Null where the device or the binding has none.
   */
  part?(from: number, dims: readonly number[]): NativeTensor | null;
  /** Frees it. Once. */
  release(): void;
}

export function isNative(tensor: HostTensor | NativeTensor): tensor is NativeTensor {
  return 'elements' in tensor;
}
