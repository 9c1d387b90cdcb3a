/** Where activations are in training between the language model and the SAEs: on the device that computes both, or with the host. */
import type { SaeSettings, TrainingSettings } from '../../config/sections.ts';
import { UserError } from '../../errors.ts';
import type { Fit, NeedsBeside } from '../../lm/fit.ts';
import type { BindingName } from '../../onnx/binding/binding.ts';
import { type Device, providerOf } from '../../onnx/devices.ts';
import type { BackendChoice } from '../../train/backends/backend.ts';
import { fitsTensor } from '../../train/held-rows.ts';
import { scaledAlike } from '../../train/normalise.ts';
import { type TrainingNeeds, type TrainingOf, trainingNeeds } from './training-needs.ts';
import { bufferRows } from './training-tokens.ts';

export interface ActivationsPlace {
  /** Null: the host. */
  on: Device | null;
  /** In a few words, for the user and the record; null where the CPU computes everything. */
  text: string | null;
  needs: TrainingNeeds;
}

type Settings = SaeSettings & {
  training: Pick<TrainingSettings, 'shuffle' | 'resampleTokens' | 'policy' | 'activations'>;
  backend: BackendChoice;
};

/**
 * They stay on a device where all that is done to them can be done there, and there is room.
 *
 * @param fits whether the language model is held whole beside what training takes; null of a synthetic model
 * @param binding how the runtime is reached
 */
export function placeActivations(
  config: Settings,
  of: TrainingOf,
  devices: readonly [Device, ...Device[]],
  fits: ((needs: TrainingNeeds) => boolean) | null,
  binding: BindingName,
): ActivationsPlace {
  const byHost = (why: string | null): ActivationsPlace => ({
    on: null,
    text: why === null ? null : `through the host’s memory: ${why}`,
    needs: trainingNeeds(config, of, devices),
  });
  const [device] = devices;
  if (devices.every((each) => each === 'cpu')) return byHost(null);
  if (fits === null) return byHost('a synthetic model is computed there');
  const why = whyByHost(config, of, devices, binding);
  if (why !== null) return byHost(why);
  const needs = trainingNeeds(config, of, devices, device);
  if (!fits(needs)) return byHost(`${device} has no room for them beside the language model and the SAEs`);
  return { on: device, text: `on ${device}`, needs };
}

/** Whether a language model is held whole beside what training takes. */
export function fitsWhole(share: (needs: NeedsBeside) => Fit): (needs: TrainingNeeds) => boolean {
  return (needs) => {
    try {
      return share(needs).placement.resident;
    } catch (error) {
      if (error instanceof UserError) return false;
      throw error;
    }
  };
}

/** What of a run is done by the host, in words; null where a device does all of it. */
function whyByHost(
  { backend, sae, training }: Settings,
  { plans, widths }: TrainingOf,
  devices: readonly [Device, ...Device[]],
  binding: BindingName,
): string | null {
  const [device] = devices;
  const { activations, shuffle } = training;
  if (devices.length > 1) return 'the language model and the SAEs share several devices';
  if (!['cuda', 'webgpu'].includes(providerOf(device))) return `${device} keeps its tensors there`;
  if (backend === 'sparse-cpu') return 'the backend sparse-cpu computes there';
  if (activations.gigabytes > 0) return 'training.activations keeps them on disk';
  if (activations.type !== 'float32') return `they are rounded to ${activations.type} there`;
  if (shuffle.onDisk && shuffle.megabytes > 0) return 'training.shuffle.onDisk shuffles them in a file';
  const rows = bufferRows({ sae, training }, widths);
  // It would copy the whole buffer for every pass.
  if (rows > 0 && binding === 'package')
    return 'onnxruntime’s JavaScript writes to no tensor that is on a device';
  const wide = plans.some(({ d_in }) => !fitsTensor(rows, d_in, device));
  if (wide) return `training.shuffle.megabytes is more than one tensor of ${device} may have`;
  const apart = plans.find(({ recipe }) => !scaledAlike(recipe.normalisation));
  return apart === undefined ? null : `sae.normalisation ${apart.recipe.normalisation} is computed there`;
}
