/** A trainer of three SAEs at two hooks, and what it is given. */
import { hookOf } from '../../../runner/hook.ts';
import type { TrainingBackend } from '../../../runner/train/backends/backend.ts';
import type { SaePlan } from '../../../runner/train/sae-trainer.ts';
import { openTrainer, type Trainer, type TrainerState } from '../../../runner/train/trainer.ts';
import { smallRecipe, sparseActivations } from './support.ts';

export const d_in = 16;
export const LAYERS = [0, 2];
export const at = (layer: number, width = d_in) => ({ hook: hookOf(layer), d_in: width });

/** Two SAEs at one hook, one at another; a pass of 64 tokens is two steps of 32. */
export const plans: SaePlan[] = [
  { id: 'L0', ...at(0), recipe: smallRecipe({ kAux: 2, deadThresholdTokens: 32 }) },
  { id: 'L0-wide', ...at(0), recipe: smallRecipe({ dSae: 80, k: 6, batchTokens: 64, seed: 5 }) },
  { id: 'L2', ...at(2), recipe: smallRecipe({ removeParallelGradient: true }) },
];

export const activations = (pass: number): Map<string, Float32Array> =>
  new Map(LAYERS.map((layer) => [`L${layer}`, sparseActivations(64, d_in, 40, 100 * layer + pass)]));

export function open(
  backend: TrainingBackend,
  start: Parameters<typeof openTrainer>[1] = { samples: activations(0) },
  over: Partial<Parameters<typeof openTrainer>[0]> = {},
): Promise<Trainer> {
  return openTrainer({ backend, plans, logEverySteps: 4, now: () => 0, ...over }, start);
}

/** A copy that shares no memory, as a checkpoint would give it back. */
export function copied(state: TrainerState): TrainerState {
  return structuredClone(state);
}
