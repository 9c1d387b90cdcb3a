import { quote, UserError } from '../errors.ts';

/** Where a session runs. `cuda` needs the provider fetched by `npm run cuda`. */
export type Device = 'cpu' | 'webgpu' | 'coreml' | 'dml' | `cuda:${number}`;

export interface ExecutionProvider {
  name: 'cpu' | 'webgpu' | 'coreml' | 'dml' | 'cuda';
  deviceId?: number;
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
  const cuda = /^cuda(?::(\d{1,2}))?$/.exec(text);
  if (cuda !== null) return `cuda:${Number(cuda[1] ?? 0)}`;
  throw new UserError({
    thing: 'device',
    found: quote(text),
    expected: `one of ${plain.join(', ')}, cuda or cuda:N`,
    next: 'Choose one of these, for example --device cpu.',
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
      return { name: 'cuda', deviceId: Number(device.slice('cuda:'.length)) };
  }
}

/** What to do when a device cannot be used. */
export function deviceAdvice(device: Device): string {
  switch (device) {
    case 'cpu':
      return 'Check free memory and the checkpoint’s files.';
    case 'webgpu':
      return 'Install a Vulkan driver (macOS and Windows need none), or use --device cpu.';
    case 'coreml':
      return 'CoreML is there on macOS alone; use --device cpu or webgpu.';
    case 'dml':
      return 'DirectML is there on Windows alone; use --device cpu or webgpu.';
    default:
      return 'Fetch the CUDA provider once with npm run cuda (Linux x64), check the driver, or use --device webgpu or cpu.';
  }
}
