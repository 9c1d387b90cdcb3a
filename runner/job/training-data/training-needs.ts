/** Memory of a training beside the language model's weights: computed here for `plan` and for the run. */
import type { SaeSettings, TrainingSettings } from '../../config/sections.ts';
import { type Hook, hookLabel } from '../../hook.ts';
import type { NeedsBeside } from '../../lm/fit.ts';
import type { Device } from '../../onnx/devices.ts';
import { trainingMemory } from '../../train/device-memory.ts';
import type { SaePlan } from '../../train/sae-trainer.ts';
import { hooksOfPlans } from '../shared/planned-saes.ts';
import { mostOnOne, type SaesOnDevice, shareSaes } from '../shared/sae-devices.ts';
import { bufferCapacity } from './training-tokens.ts';

type Settings = Pick<SaeSettings, 'sae'> & {
  training: Pick<TrainingSettings, 'shuffle' | 'resampleTokens'>;
};

export interface TrainingNeeds extends NeedsBeside {
  /** Bytes, of `saes`: of the states of SAEs on the device with most, and of a step beside them. */
  states: number;
  step: number;
  /** Of each SAE its state in bytes, and where it lies. */
  sizes: readonly number[];
  places: readonly Device[];
  /** In the devices' order. */
  on: readonly SaesOnDevice[];
}

/** Activations of each hook that are looked at before the first step. */
export function samplesBefore({ sae, training }: Settings): number {
  return Math.max(sae.biasInitSamples, training.resampleTokens);
}

/**
 * @param plans of the SAEs that are trained here
 * @param seen hooks whose activations are looked at here
 * @param widths numbers of a token at all hooks of the whole run, by their labels
 */
export function trainingNeeds(
  config: Settings,
  {
    plans,
    seen,
    widths,
  }: { plans: readonly SaePlan[]; seen: readonly Hook[]; widths: ReadonlyMap<string, number> },
  devices: readonly [Device, ...Device[]],
): TrainingNeeds {
  const { sae, training } = config;
  const at = (hooks: readonly Hook[]): number =>
    hooks.reduce((sum, hook) => sum + widths.get(hookLabel(hook))!, 0);
  const samples = 4 * samplesBefore(config) * at(seen);
  // Of the SAE whose latents are resampled what is read of the samples, normalised, and a loss of each.
  const widest = Math.max(0, ...plans.map(({ d_in }) => d_in));
  const resampled = training.resampleTokens * (4 * widest + 8);
  const { megabytes, onDisk } = training.shuffle;
  const buffer = onDisk ? 0 : 4 * bufferCapacity(megabytes, widths) * at(hooksOfPlans(plans));
  const sizes = plans.map((plan) => trainingMemory([plan], devices).states);
  const places = shareSaes(sizes, devices);
  const on = devices.map((device) => {
    const here = plans.filter((_, i) => places[i] === device);
    return { device, ...trainingMemory(here, devices) };
  });
  const { states, step } = mostOnOne(on);
  return {
    positions: sae.batchTokens,
    states,
    step,
    saes: states + step,
    sizes,
    places,
    on,
    host: samples + resampled + buffer,
  };
}
