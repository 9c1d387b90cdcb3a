/** The JavaScript binding of onnxruntime-node: the only file that imports it. */
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { executionProvider } from '../devices.ts';
import type { HostTensor } from '../tensors.ts';
import { unloadable } from '../unloadable.ts';
import { type Binding, isNative, type NativeTensor, type SessionSettings } from './binding.ts';

type Runtime = typeof import('onnxruntime-node');

/**
 * @param load for tests
 * @throws UnavailableError where the system lacks what the library is linked with
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

export async function openPackage(): Promise<Binding> {
  const runtime = await loadRuntime();
  const { versions } = runtime.env;

  function tensorOf({ type, data, dims }: HostTensor): Tensor {
    if (type === 'float16' || type === 'bfloat16') throw withoutHalves();
    // Not everywhere does it take memory that threads share.
    return new runtime.Tensor(type, data.buffer instanceof SharedArrayBuffer ? data.slice() : data, dims);
  }

  return {
    name: 'package',
    version: versions.node ?? versions.common,
    async open(program, settings) {
      const session = await runtime.InferenceSession.create(
        program.bytes,
        optionsOf(settings, program.outputs),
      );
      const ends = [...session.inputMetadata, ...session.outputMetadata];
      if (ends.some((end) => end.isTensor && end.type === 'float16')) {
        await session.release();
        throw withoutHalves();
      }
      return {
        async run(ready, outputs, into = new Map()) {
          await new Promise(setImmediate);
          const feeds: Record<string, Tensor> = {};
          for (const [name, given] of ready()) {
            feeds[name] = isNative(given) ? (given as PackageTensor).tensor : tensorOf(given);
          }
          const found = await session.run(feeds, [...outputs]);
          return new Map(
            outputs.map((name): [string, HostTensor | PackageTensor] => {
              const tensor = found[name]!;
              if (settings.held.includes(name)) return [name, heldTensor(name, tensor)];
              const host = hostTensor(name, tensor);
              const place = into.get(name);
              return [name, place === undefined || isNative(place) ? host : written(name, host, place)];
            }),
          );
        },
        close: () => session.release(),
      };
    },
  };
}

interface PackageTensor extends NativeTensor {
  readonly tensor: Tensor;
}

/**
 * The binding keeps tensors on webgpu alone: its `gpu-buffer` is WebGPU's memory (`WebGPU_Buf`) going in and coming out,
 * whatever the session's provider (js/node/src/tensor_helper.cc). Elsewhere a tensor that is held is an array.
 */
function heldTensor(name: string, tensor: Tensor): PackageTensor {
  return {
    tensor,
    elements: hostType(name, tensor),
    dims: tensor.dims,
    device: tensor.location === 'gpu-buffer' ? 'webgpu' : 'cpu',
    read: () => hostTensor(name, tensor),
    release: () => tensor.dispose(),
  };
}

function optionsOf(
  { device, threads, folder, prepack, held, onCpu, logLevel }: SessionSettings,
  outputs: readonly string[],
): InferenceSession.SessionOptions {
  const { name } = executionProvider(device);
  // It passes no options on but the number of a card, so that products would be in TF32 whatever was asked for.
  if (name === 'cuda') throw new Error('CUDA is not available through onnxruntime’s JavaScript');
  const place = (output: string) => (held.includes(output) ? 'gpu-buffer' : 'cpu');
  return {
    executionProviders: [{ name }] as NonNullable<InferenceSession.SessionOptions['executionProviders']>,
    logSeverityLevel: logLevel as 0 | 1 | 2 | 3 | 4,
    extra: {
      session: {
        ...(folder === undefined ? {} : { model_external_initializers_file_folder_path: folder }),
        ...(prepack ? {} : { disable_prepacking: '1' }),
        ...(onCpu === 'shapes' ? {} : { disable_cpu_ep_fallback: '1' }),
        // Waiting threads sleep: on a machine that does anything else, spinning ones take the cores from each other.
        intra_op: { allow_spinning: '0' },
      },
    },
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
    ...(device !== 'webgpu' || held.length === 0
      ? {}
      : {
          preferredOutputLocation: Object.fromEntries(
            outputs.map((output) => [output, place(output)] as const),
          ),
        }),
  };
}

/** As tried with 1.30: of the Float16Array that its JavaScript makes, its native part sees no bytes; bfloat16 it does not name. */
function withoutHalves(): Error {
  return new Error('onnxruntime-node’s own binding neither takes nor gives numbers of 16 bits');
}

function hostType(name: string, { type }: Tensor): HostTensor['type'] {
  switch (type) {
    case 'float32':
    case 'int32':
    case 'int64':
    case 'uint8':
    case 'int8':
    case 'bool':
      return type;
    default:
      throw new TypeError(`output ${name}: element type ${type} is not one that programs return`);
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

/** An output where it was asked for. */
function written(name: string, { type, data, dims }: HostTensor, place: HostTensor): HostTensor {
  if (type !== place.type || dims.join() !== place.dims.join())
    throw new Error(`output ${name}: ${type} [${dims}], but ${place.type} [${place.dims}] to write to`);
  new Uint8Array(place.data.buffer, place.data.byteOffset, place.data.byteLength).set(
    new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  );
  return place;
}
