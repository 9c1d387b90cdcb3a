import { automaticDevice, deviceFacts } from '../onnx/device-facts.ts';
import { AUTO, parseDevices } from '../onnx/devices.ts';

/**
 * The devices a run uses. `auto` becomes the best one that is there, and says which; every other one must be there.
 *
 * @param say prints a line
 * @returns a list without `auto`
 * @throws UnavailableError naming what a device lacks, and how to get it
 */
export async function chooseDevices(text: string, say: (line: string) => void): Promise<string> {
  if (text === AUTO) {
    const { device, why } = await automaticDevice();
    say(`device   ${device} (auto: ${why})`);
    return device;
  }
  for (const device of parseDevices(text)) {
    if (device === 'cpu') continue;
    const { kernels } = await deviceFacts(device);
    const wrong = Object.entries(kernels).flatMap(([name, right]) => (right ? [] : [name]));
    if (wrong.length > 0)
      say(
        `device   ${device}: its kernels for attention (${wrong.join(', ')}) give wrong answers; plain operators stand in`,
      );
  }
  return text;
}
