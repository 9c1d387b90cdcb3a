/** What training takes of the memory of the devices it runs on: the optimiser's state of every SAE, and what one step holds beside it. */
import type { Device } from '../onnx/devices.ts';
import { countOf } from '../onnx/tensors.ts';
import { architectureOf } from './architectures/index.ts';
import type { Recipe } from './recipe.ts';

/** Copies of an SAE's weights while it trains on a CPU: themselves, gradients, two moments, and new ones being made. */
const COPIES_HELD = 6;
/** With both moments in bfloat16. */
const COPIES_HELD_OF_HALVES = 5;
/**
 * What a step holds at its peak beside the state it begins with, in matrices of d_in · d_sae and of tokens · d_sae numbers: at most
 * so many, as counted of what onnxruntime's CUDA provider asks for (kSameAsRequested, no memory pattern; every latent dead), over
 * d_in 16 to 512 and 64 to 1,024 tokens. The first are gradients, the next state, and what Adam makes on the way.
 */
const WEIGHT_MATRICES = 10.7;
const TOKEN_MATRICES = 8.5;

export interface TrainingMemory {
  /** Bytes of the parameters and two moments of all SAEs; on a CPU of all that is held of them, what a step makes included. */
  states: number;
  /** Bytes of the largest step beside the states: SAEs take their steps one after another. 0 on a CPU. */
  step: number;
}

export function trainingMemory(
  saes: readonly { d_in: number; recipe: Recipe }[],
  devices: readonly Device[],
): TrainingMemory {
  const onCpu = devices.every((device) => device === 'cpu');
  const copies = ({ adamMoments }: Recipe): number => {
    if (!onCpu) return 3;
    return adamMoments === 'bfloat16' ? COPIES_HELD_OF_HALVES : COPIES_HELD;
  };
  const states = saes.reduce((sum, sae) => sum + 4 * parametersOf(sae) * copies(sae.recipe), 0);
  const steps = saes.map(
    ({ d_in, recipe }) => 4 * recipe.dSae * (WEIGHT_MATRICES * d_in + TOKEN_MATRICES * recipe.batchTokens),
  );
  return { states, step: onCpu ? 0 : Math.max(0, ...steps) };
}

/** Numbers of the tensors that are trained. */
function parametersOf({ d_in, recipe }: { d_in: number; recipe: Recipe }): number {
  const shapes = Object.values(architectureOf(recipe).parameters(recipe, d_in));
  return shapes.reduce((sum, shape) => sum + countOf(shape), 0);
}
