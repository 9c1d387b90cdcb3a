/** Memory of a training beside the language model's weights: computed here for `plan` and for the run. */
import type { SaeSettings, TrainingSettings } from '../../config/sections.ts';
import { type Hook, hookLabel } from '../../hook.ts';
import type { NeedsBeside } from '../../lm/fit.ts';
import type { Device } from '../../onnx/devices.ts';
import { trainingMemory } from '../../train/device-memory.ts';
import type { SaePlan } from '../../train/sae-trainer.ts';
import { hooksOfPlans } from '../shared/planned-saes.ts';
import { mostOnOne, type SaesOnDevice, shareSaes } from '../shared/sae-devices.ts';
import { passesAhead } from './passes-ahead.ts';
import { bufferRows } from './training-tokens.ts';

type Settings = Pick<SaeSettings, 'sae'> & {
  training: Pick<TrainingSettings, 'shuffle' | 'resampleTokens' | 'policy'>;
};

export interface TrainingNeeds extends NeedsBeside {
  /** Bytes, of `saes`: of the states of SAEs on the device with most, of a step beside them, and of activations that stay there. */
  states: number;
  step: number;
  activations: number;
  /** Of each SAE its state in bytes, and where it lies. */
  sizes: readonly number[];
  places: readonly Device[];
  /** In the devices' order. */
  on: readonly (SaesOnDevice & { activations: number })[];
}

/** Activations of each hook that are looked at before the first step. */
export function samplesBefore({ sae, training }: Settings): number {
  return Math.max(sae.biasInitSamples, training.resampleTokens);
}

/** What is trained, and on what. */
export interface TrainingOf {
  /** Of the SAEs that are trained here. */
  plans: readonly SaePlan[];
  /** Hooks whose activations are looked at here. */
  seen: readonly Hook[];
  /** Numbers of a token at all hooks of the whole run, by their labels. */
  widths: ReadonlyMap<string, number>;
}

/** @param on the device that activations stay on, if they do */
export function trainingNeeds(
  config: Settings,
  { plans, seen, widths }: TrainingOf,
  devices: readonly [Device, ...Device[]],
  on: Device | null = null,
): TrainingNeeds {
  const { sae, training } = config;
  const at = (hooks: readonly Hook[]): number =>
    hooks.reduce((sum, hook) => sum + widths.get(hookLabel(hook))!, 0);
  const samples = 4 * samplesBefore(config) * at(seen);
  // Of the SAE whose latents are resampled what is read of the samples, normalised, and a loss of each.
  const widest = Math.max(0, ...plans.map(({ d_in }) => d_in));
  const resampled = training.resampleTokens * (4 * widest + 8);
  const rows = 4 * bufferRows(config, widths) * at(hooksOfPlans(plans));
  const buffer = on !== null || (training.shuffle.onDisk && training.shuffle.megabytes > 0) ? 0 : rows;
  const sizes = plans.map((plan) => trainingMemory([plan], devices).states);
  const places = shareSaes(sizes, devices);
  const taken = devices.map((device) => {
    const here = plans.filter((_, i) => places[i] === device);
    return { device, ...trainingMemory(here, devices) };
  });
  const { states, step } = mostOnOne(taken);
  // The buffer; of each hook the pass that is trained on and those ahead of it, and of one SAE at a time what it picks: x, and a transcoder's y.
  const passes = on === null ? 0 : 1 + passesAhead(on);
  const activations = on === null ? 0 : rows + 4 * sae.batchTokens * (passes * at(seen) + 2 * widest);
  return {
    positions: sae.batchTokens,
    states,
    step,
    activations,
    saes: states + step + activations,
    sizes,
    places,
    on: taken.map((each) => ({ ...each, activations: each.device === on ? activations : 0 })),
    host: samples + resampled + buffer,
  };
}
