import type { RunConfig } from '../config/run-config.ts';
import type { ModelPlace } from '../job/shared/model-place.ts';
import { openCheckpoint } from '../lm/checkpoint.ts';
import { choosePrecision } from '../lm/precision.ts';
import { automaticDevice, deviceFacts, kernelsOf } from '../onnx/device-facts.ts';
import { AUTO, parseDevices } from '../onnx/devices.ts';
import { isSynthetic } from '../synthetic/layout.ts';

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

/**
 * What the run's language model is computed in, `auto` no more.
 *
 * @throws UserError for a device that does not compute in it
 */
export async function precisionOf(
  { device, precision }: Pick<RunConfig, 'device' | 'precision'>,
  { folder }: ModelPlace,
  view: { line(text: string): void },
): Promise<RunConfig['precision']> {
  if (isSynthetic(folder)) return 'float32';
  const devices = parseDevices(device);
  const chosen = choosePrecision(precision, devices, await openCheckpoint(folder));
  for (const each of devices) await kernelsOf(each, chosen);
  if (chosen !== 'float32') view.line(`precision ${chosen}: what the language model is computed in`);
  return chosen;
}
