/** What the slow reference of a step is given and gives. */
import type { Parameters, PerParameter } from './state.ts';

export interface ReferenceStep<R> {
  recipe: R;
  d_in: number;
  parameters: Parameters;
  /** [tokens, d_in] */
  x: Float32Array;
  /** What is reconstructed, of the same shape: x itself, unless it is a transcoder. */
  y: Float32Array;
  /** Latents that are dead, ascending; where the recipe counts with the step, unless they fire in it. */
  dead: ArrayLike<number>;
  /** Optimiser steps taken before this one. */
  updates: number;
  /** What annealing multiplies the weight of the sparsity loss by, else 1. */
  sparsityScale: number;
}

export type Gradients = PerParameter<Float64Array>;

export interface LossAndGradients {
  mse: number;
  reconstructionLoss: number;
  auxLoss: number;
  sparsityLoss: number;
  errorSquares: number;
  activeLatents: number;
  leastActive: number | null;
  norms?: { now: number; next: number };
  fired: Uint8Array;
  /** Of the whole loss. */
  gradients: Gradients;
}
