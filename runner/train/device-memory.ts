/** What training takes of a device's memory: the optimiser's state of every SAE, and what one step holds beside it. */
import { countOf } from '../onnx/tensors.ts';
import { architectureOf } from './architectures/index.ts';
import type { Recipe } from './recipe.ts';

/**
 * What a step holds at its peak beside the state it begins with, in matrices of d_in · d_sae and of tokens · d_sae numbers: at most
 * so many, as counted of what onnxruntime's CUDA provider asks for (kSameAsRequested, no memory pattern; every latent dead), over
 * d_in 16 to 512 and 64 to 1,024 tokens. The first are gradients, the next state, and what Adam makes on the way.
 */
const WEIGHT_MATRICES = 10.7;
const TOKEN_MATRICES = 8.5;

export interface TrainingMemory {
  /** Bytes of the parameters and two moments of all SAEs. */
  states: number;
  /** Bytes of the largest step: SAEs take their steps one after another. */
  step: number;
}

export function trainingMemory(saes: readonly { d_in: number; recipe: Recipe }[]): TrainingMemory {
  let [states, step] = [0, 0];
  for (const { d_in, recipe } of saes) {
    const shapes = Object.values(architectureOf(recipe).parameters(recipe, d_in));
    states += 3 * 4 * shapes.reduce((sum, shape) => sum + countOf(shape), 0);
    const numbers = recipe.dSae * (WEIGHT_MATRICES * d_in + TOKEN_MATRICES * recipe.batchTokens);
    step = Math.max(step, 4 * numbers);
  }
  return { states, step };
}
