/** On which of a run's devices each SAE lies. */
import { formatBytes } from '../../io/bytes.ts';
import { type Device, providerOf } from '../../onnx/devices.ts';

/**
 * SAEs are shared out whole among the devices of the first one's kind, the largest first, each to where the fewest bytes lie yet: numbers
 * follow from the kind of a device, so that they are the same wherever an SAE lies. The language model's weights, about as many on each
 * (lm/placement.ts), are not weighed.
 *
 * @param bytes that each SAE takes
 * @returns of each its device, in the same order
 */
export function shareSaes(bytes: readonly number[], devices: readonly [Device, ...Device[]]): Device[] {
  const kind = providerOf(devices[0]);
  const lying = new Map(devices.filter((device) => providerOf(device) === kind).map((device) => [device, 0]));
  const found = Array<Device>(bytes.length);
  for (const i of [...bytes.keys()].sort((a, b) => bytes[b]! - bytes[a]! || a - b)) {
    const [device, least] = [...lying].reduce((one, other) => (other[1] < one[1] ? other : one));
    lying.set(device, least + bytes[i]!);
    found[i] = device;
  }
  return found;
}

/** What SAEs take of a device, in bytes: for as long as they are there, and for a step beside that. */
export interface SaesOnDevice {
  device: Device;
  states: number;
  step: number;
}

/** The device on which SAEs take most. */
export function mostOnOne(all: readonly SaesOnDevice[]): SaesOnDevice {
  return all.reduce((a, b) => (b.states + b.step > a.states + a.step ? b : a));
}

/** What lies on each device, in their order; of a single device nothing needs to be said. */
export function sharedText(
  saes: readonly { id: string; bytes: number }[],
  devices: readonly Device[],
): string | null {
  const all = new Set(devices);
  if (all.size < 2) return null;
  const parts = [...all].map((device) => {
    const here = saes.filter((_, i) => devices[i] === device);
    const bytes = here.reduce((sum, sae) => sum + sae.bytes, 0);
    return `${here.map(({ id }) => id).join(', ')} on ${device} (${formatBytes(bytes)})`;
  });
  return `SAEs ${parts.join('; ')}`;
}
