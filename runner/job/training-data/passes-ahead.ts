import { type Device, providerOf } from '../../onnx/devices.ts';

/** Passes that a language model makes on a device before they are asked for: on CUDA one goes on beside the steps. */
export function passesAhead(device: Device): number {
  return providerOf(device) === 'cuda' ? 1 : 0;
}
