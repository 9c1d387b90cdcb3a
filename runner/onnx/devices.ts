import { quote, UserError } from '../errors.ts';
import { cudaProviderInstalled, LEAST_DRIVER } from './cuda-libraries.ts';

/**
 * Where a session runs, and how it rounds: with +tf32 a card rounds the factors of matrix products to TF32, whose mantissa has 10 bits
 * instead of 23. `cuda` needs the provider fetched by `npx interpboard cuda`.
 */
export type Device = 'cpu' | 'webgpu' | 'coreml' | 'dml' | `cuda:${number}${'' | '+tf32'}`;

export interface ExecutionProvider {
  name: 'cpu' | 'webgpu' | 'coreml' | 'dml' | 'cuda';
  deviceId?: number;
  /** Of CUDA: whether products of float32 are rounded to TF32. */
  tf32?: boolean;
}

/** Plain names; `cuda` and `cuda:N` are added by `parseDevice`. */
const plain = ['cpu', 'webgpu', 'coreml', 'dml'] as const;

/**
 * Reads a device name as users write it.
 *
 * @throws UserError for a name that is not in the table
 */
export function parseDevice(text: string): Device {
  const found = plain.find((name) => name === text);
  if (found !== undefined) return found;
  const cuda = /^cuda(?::(\d{1,2}))?(\+tf32)?$/.exec(text);
  if (cuda !== null) return `cuda:${Number(cuda[1] ?? 0)}${cuda[2] === undefined ? '' : '+tf32'}`;
  if (text.endsWith('+tf32'))
    throw new UserError({
      thing: 'device',
      found: quote(text),
      expected: 'TF32 on CUDA alone, as cuda:0+tf32: no other device has it',
      next: 'Leave +tf32 out, or name a card.',
    });
  throw new UserError({
    thing: 'device',
    found: quote(text),
    expected: `one of ${plain.join(', ')}, cuda, cuda:N or cuda:N+tf32, or auto alone`,
    next: 'Choose one of these, for example --device cpu.',
  });
}

/** Stands for the best device that is there; it is replaced by that one before a run begins. */
export const AUTO = 'auto';

/** Most devices that one model is spread over. */
const DEVICE_LIMIT = 16;

/**
 * Reads a list of devices that are used one by one, as by the doctor.
 *
 * @throws UserError for a name that is not in the table, a device twice, or too many
 */
export function listedDevices(text: string): [Device, ...Device[]] {
  const [first, ...more] = text.split(',').map((name) => parseDevice(name.trim())) as [Device, ...Device[]];
  const all: [Device, ...Device[]] = [first, ...more];
  const different = new Set(all.map((device) => device.replace('+tf32', '')));
  if (different.size === all.length && all.length <= DEVICE_LIMIT) return all;
  throw new UserError({
    thing: 'devices',
    found: quote(text),
    expected: `each once, ${DEVICE_LIMIT} at most`,
    next: 'Name different ones, for example --device cuda:0,cuda:1.',
  });
}

/**
 * Reads the devices of one run, as in cuda:0,cuda:1: segments of a language model are placed on them in this order. Cards round alike, since
 * SAEs are shared out among them and are to be compared.
 *
 * @throws UserError as `listedDevices`, and for cards some of which round to TF32
 */
export function parseDevices(text: string): [Device, ...Device[]] {
  const all = listedDevices(text);
  const rounding = all.map(executionProvider).flatMap(({ tf32 }) => tf32 ?? []);
  if (new Set(rounding).size < 2) return all;
  throw new UserError({
    thing: 'devices',
    found: `${quote(text)}, of which some round to TF32 and some do not`,
    expected:
      'cards of one run that round alike: SAEs are shared out among them, and would not be comparable',
    next: 'Put +tf32 behind every card, or behind none.',
  });
}

export function executionProvider(device: Device): ExecutionProvider {
  switch (device) {
    case 'cpu':
    case 'webgpu':
    case 'coreml':
    case 'dml':
      return { name: device };
    default:
      return {
        name: 'cuda',
        deviceId: Number.parseInt(device.slice('cuda:'.length), 10),
        tf32: device.endsWith('+tf32'),
      };
  }
}

/** The provider of a device, for which a program is built; of none the CPU. */
export function providerOf(device: Device | undefined): ExecutionProvider['name'] {
  return executionProvider(device ?? 'cpu').name;
}

/**
 * What to do when a device cannot be used.
 *
 * @param system the platform and the architecture of its processor, as in linux-arm64
 * @param fetched whether the CUDA provider is there
 */
export function deviceAdvice(
  device: Device,
  system = `${process.platform}-${process.arch}`,
  fetched: () => boolean = cudaProviderInstalled,
): string {
  switch (device) {
    case 'cpu':
      return 'Check free memory and the checkpoint’s files.';
    case 'webgpu':
      return system === 'linux-arm64'
        ? 'onnxruntime’s package has no WebGPU for Linux on Arm; use --device cpu.'
        : 'Install a Vulkan driver (macOS and Windows need none), or use --device cpu.';
    case 'coreml':
      return `CoreML is there on macOS alone; use ${others(system)}.`;
    case 'dml':
      return `DirectML is there on Windows alone; use ${others(system)}.`;
    default:
      if (system === 'linux-x64')
        return fetched()
          ? `Check that nvidia-smi shows the card and a driver of version ${LEAST_DRIVER} or newer, or use --device webgpu or cpu.`
          : 'Fetch the CUDA provider once with npx interpboard cuda, check the driver, or use --device webgpu or cpu.';
      return `CUDA is there on Linux x64 alone; use ${others(system)}.`;
  }
}

/** Devices that may be there on any machine of a kind. */
function others(system: string): string {
  return system === 'linux-arm64' ? '--device cpu' : '--device cpu or webgpu';
}
