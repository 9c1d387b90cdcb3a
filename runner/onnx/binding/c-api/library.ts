/** onnxruntime's library, loaded through koffi: the only file that imports koffi. Once in each thread. */
import { cudaLibraries } from '../../cuda-libraries.ts';
import { runtimeLibrary } from '../../runtime-library.ts';
import { unloadable } from '../../unloadable.ts';
import {
  API_VERSION,
  type Api,
  type Argument,
  type FunctionName,
  functions,
  kinds,
  type Pointer,
  results,
  type Status,
} from './functions.ts';

export interface Library {
  /** Held, so that the libraries stay open. */
  readonly handles: readonly unknown[];
  readonly version: string;
  readonly api: Api;
  /** Shared by all sessions of the process, and never freed: threads may still log to it at the end. */
  readonly environment: Pointer;
  /** @throws Error in onnxruntime's words */
  check(status: Status): void;
  /**
   * Calls a function in a thread of the system's; this one goes on. What it is given must stay as it is meanwhile.
   *
   * @throws Error in onnxruntime's words
   */
  aside(name: 'RunWithBinding', ...args: readonly Argument[]): Promise<void>;
  /** What a function makes, which writes its address into the word that it is given. */
  made(make: (out: BigUint64Array) => Status): Pointer;
  /** Copies bytes from an address. */
  copy(to: ArrayBufferView, from: Pointer, bytes: number): void;
  text(at: Pointer): string;
  /** Loads what the CUDA provider is linked with, where it has been fetched: the provider's library then finds it. */
  loadCuda(): void;
  /**
   * Copies numbers to the memory of a card, and waits for them to be there.
   *
   * @throws Error where CUDA refuses
   */
  copyToCard(to: Pointer, from: ArrayBufferView, bytes: number): void;
}

/** As much as a system gives a program's first thread: calls run on a stack of koffi's own. */
const STACK_BYTES = 8 << 20;

const RTLD_NOW = 2;

/** Already loaded when it is asked for: the provider is linked with it. */
const CUDART = 'libcudart.so.13';
/** cudaMemcpyHostToDevice */
const HOST_TO_DEVICE = 1;

/** Errors alone of what belongs to no session. */
const LOG_LEVEL = 3;

/**
 * A library of the system's, such as a driver's: what gives a function of it by its declaration in C. Null where there is none.
 */
export async function systemLibrary(
  name: string,
): Promise<((declaration: string) => (...args: readonly Argument[]) => number) | null> {
  try {
    const { default: koffi } = await import('koffi');
    const opened = koffi.load(name);
    return (declaration) => opened.func(declaration) as (...args: readonly Argument[]) => number;
  } catch {
    return null;
  }
}

/**
 * @throws UnavailableError where the library, or the package that calls it, cannot be loaded
 */
export async function loadLibrary(): Promise<Library> {
  const koffi = await import('koffi').then(
    (module) => module.default,
    (cause: unknown) => {
      throw unloadable(cause);
    },
  );
  if (koffi.config().sync_stack_size! < STACK_BYTES) {
    try {
      koffi.config({ sync_stack_size: STACK_BYTES, async_stack_size: STACK_BYTES });
    } catch {
      // Another part of the process has called a library through it: its 2 MiB were enough for all that has been tried.
    }
  }
  const cuda = cudaLibraries();
  const path = cuda?.runtime ?? runtimeLibrary().path;
  const opened = ((): ReturnType<typeof koffi.load> => {
    try {
      return koffi.load(path);
    } catch (cause) {
      throw unloadable(cause);
    }
  })();
  // koffi closes a library that nothing refers to any more, and those of a thread with it; the runtime does not survive that.
  const memory = koffi.load(process.platform === 'win32' ? 'ucrtbase.dll' : null);
  if (process.platform === 'win32') {
    koffi.load('kernel32.dll').func('LoadLibraryW', 'void *', ['str16'])(path);
  } else {
    const stay = process.platform === 'darwin' ? 0x80 : 0x1000;
    memory.func('dlopen', 'void *', ['const char *', 'int'])(path, RTLD_NOW | stay);
  }

  const slot = new BigUint64Array(1);
  const base: Pointer = opened.func('void *OrtGetApiBase()')();
  const pointerAt = (address: Pointer, index: number): Pointer =>
    koffi.decode(address, 8 * index, 'void *') as Pointer;
  const getApi = koffi.decode(pointerAt(base, 0), koffi.proto('void *', ['uint32_t'])) as (
    version: number,
  ) => Pointer | null;
  const getVersion = koffi.decode(pointerAt(base, 1), koffi.proto('const char *', [])) as () => string;
  const version = getVersion();
  const table = getApi(API_VERSION);
  if (table === null) throw unloadable(new Error(`onnxruntime ${version} has no C API ${API_VERSION}`));

  const pick = (name: FunctionName): unknown => {
    const { at, gives, takes } = functions[name];
    const type = koffi.proto(
      results[gives],
      takes.map((kind) => kinds[kind]),
    );
    return koffi.decode(pointerAt(table, at), type);
  };
  const names = Object.keys(functions) as FunctionName[];
  const api = Object.fromEntries(names.map((name) => [name, pick(name)])) as Api;

  function check(status: Status): void {
    if (status === null) return;
    const message = api.GetErrorMessage(status);
    api.ReleaseStatus(status);
    throw new Error(message);
  }

  function aside(name: 'RunWithBinding', ...args: readonly Argument[]): Promise<void> {
    const call = api[name] as unknown as { async(...given: readonly unknown[]): void };
    return new Promise((resolve, reject) => {
      call.async(...args, (error: unknown, status: Status) => {
        try {
          if (error) throw error;
          check(status);
          resolve();
        } catch (thrown) {
          reject(thrown as Error);
        }
      });
    });
  }

  function made(make: (out: BigUint64Array) => Status): Pointer {
    check(make(slot));
    return slot[0]!;
  }

  const memcpy = memory.func('memcpy', 'void *', ['void *', 'void *', 'size_t']) as (
    to: ArrayBufferView,
    from: Pointer,
    bytes: number,
  ) => Pointer;

  let copying: ReturnType<typeof copyCalls> | undefined;
  function copyCalls() {
    const cudart = koffi.load(CUDART);
    handles.push(cudart);
    return {
      copy: cudart.func('cudaMemcpy', 'int', ['void *', 'const void *', 'size_t', 'int']),
      wait: cudart.func('cudaStreamSynchronize', 'int', ['void *']),
    };
  }

  const handles: unknown[] = [opened, memory];
  const environment = made((out) => api.CreateEnv(LOG_LEVEL, 'interpboard', out));
  check(api.DisableTelemetryEvents(environment));
  return {
    handles,
    version,
    api,
    environment,
    check,
    aside,
    made,
    loadCuda() {
      for (const library of cuda?.preload ?? []) handles.push(koffi.load(library, { global: true }));
    },
    copyToCard(to, from, bytes) {
      copying ??= copyCalls();
      const { copy, wait } = copying;
      // The copy returns when the numbers have left the array; they may still be on their way to the card.
      const failed = (copy(to, from, bytes, HOST_TO_DEVICE) || wait(null)) as number;
      if (failed !== 0) throw new Error(`CUDA error ${failed} in a copy of ${bytes} bytes to the card`);
    },
    text: (at) => koffi.decode.string(at),
    copy(to, from, bytes) {
      if (bytes > to.byteLength) throw new RangeError(`${bytes} bytes do not fit into ${to.byteLength}`);
      if (bytes > 0) memcpy(to, from, bytes);
    },
  };
}
