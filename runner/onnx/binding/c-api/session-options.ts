/** What a session is made with, in the C API's words. */
import { type Device, executionProvider } from '../../devices.ts';
import { providerOptions } from '../../provider-options.ts';
import type { SessionSettings } from '../binding.ts';
import type { Pointer } from './functions.ts';
import type { Library } from './library.ts';

/** Providers that are named alike, apart from CUDA, which has options of its own kind. */
const providers = { webgpu: 'WebGPU', coreml: 'CoreML', dml: 'DML' } as const;

/** @returns options to be released; made whole, or not at all */
export function sessionOptions(library: Library, settings: SessionSettings): Pointer {
  const { api, check, made } = library;
  const { device, threads, folder, prepack, onCpu, logLevel } = settings;
  const options = made((out) => api.CreateSessionOptions(out));
  try {
    check(api.SetSessionLogSeverityLevel(options, logLevel));
    // A pattern is one block as large as everything that is alive at a time, beside the pieces of the run that it was found in.
    if (device !== 'cpu') check(api.DisableMemPattern(options));
    if (threads !== undefined) check(api.SetIntraOpNumThreads(options, threads));
    const entries: Record<string, string> = {
      // Waiting threads sleep: on a machine that does anything else, spinning ones take the cores from each other.
      'session.intra_op.allow_spinning': '0',
      ...(folder === undefined ? {} : { 'session.model_external_initializers_file_folder_path': folder }),
      ...(prepack ? {} : { 'session.disable_prepacking': '1' }),
      ...(onCpu === 'shapes' ? {} : { 'session.disable_cpu_ep_fallback': '1' }),
      ...(device === 'cpu' ? {} : { 'session.record_ep_graph_assignment_info': '1' }),
    };
    for (const [key, value] of Object.entries(entries)) check(api.AddSessionConfigEntry(options, key, value));
    appendProvider(library, options, device);
    return options;
  } catch (error) {
    api.ReleaseSessionOptions(options);
    throw error;
  }
}

function appendProvider({ api, check, made, loadCuda }: Library, options: Pointer, device: Device): void {
  const { name } = executionProvider(device);
  if (name === 'cpu') return;
  if (name !== 'cuda') {
    check(api.SessionOptionsAppendExecutionProvider(options, providers[name], [], [], 0));
    return;
  }
  loadCuda();
  const cuda = made((out) => api.CreateCUDAProviderOptions(out));
  try {
    const settings = providerOptions(device);
    const keys = Object.keys(settings);
    check(api.UpdateCUDAProviderOptions(cuda, keys, Object.values(settings), keys.length));
    check(api.SessionOptionsAppendExecutionProvider_CUDA_V2(options, cuda));
  } finally {
    api.ReleaseCUDAProviderOptions(cuda);
  }
}

/** Where a device's outputs can be held: its own memory, or the CPU's, where the provider's tensors lie anyway. */
export interface Memory {
  device: Device;
  info: Pointer;
}

/** Some dozens of bytes each, as many as there are devices: never freed. */
const memories = new WeakMap<Library, Map<Device, Memory>>();

export function memoryOf(library: Library, device: Device): Memory {
  const known = memories.get(library) ?? new Map<Device, Memory>();
  memories.set(library, known);
  const found = known.get(device);
  if (found !== undefined) return found;
  const { name, deviceId } = executionProvider(device);
  const places = { cpu: 'Cpu', coreml: 'Cpu', webgpu: 'WebGPU_Buf', cuda: 'Cuda', dml: 'DML' } as const;
  const place = places[name];
  const memory: Memory = {
    device: place === 'Cpu' ? 'cpu' : device,
    info: library.made((out) => library.api.CreateMemoryInfo(place, 0, deviceId ?? 0, 0, out)),
  };
  known.set(device, memory);
  return memory;
}
