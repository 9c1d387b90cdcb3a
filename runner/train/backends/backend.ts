/**
 * Where optimiser steps are computed. Every backend computes the same step, `reference.ts` being the one that the
 * others are compared with; on one backend the same states and inputs give the same bits.
 */
import type { Batch } from '../device-rows.ts';
import type { Recipe } from '../recipe.ts';
import type { OptimiserState } from '../state.ts';

/** What a user may ask for. auto: sparse-cpu on the CPU where it computes the recipe, graph elsewhere. */
export const backendChoices = ['auto', 'graph', 'sparse-cpu'] as const;
export type BackendChoice = (typeof backendChoices)[number];

export interface TrainingBackend {
  readonly name: string;
  /** What of the recipe this backend does not compute, in words for the user; null when it computes all of it. */
  unsupported(recipe: Recipe): string | null;
  /**
   * Takes one SAE in. Its state belongs to the session from then on.
   *
   * @throws UnavailableError when the device cannot take it
   */
  init(recipe: Recipe, d_in: number, state: OptimiserState): Promise<TrainingSession>;
}

export interface TrainingSession {
  /**
   * @param x activations [recipe.batchTokens, d_in]
   * @param y of a transcoder what it reconstructs, of the same shape
   */
  step(x: Batch, controls: StepControls, y?: Batch): Promise<StepResult>;
  /** The state after the last step. Arrays may be the session's own: read them before the next step. */
  state(): Promise<OptimiserState>;
  close(): Promise<void>;
}

export interface StepControls {
  learningRate: number;
  /**
   * Latents that count as dead in this step, ascending; where the recipe counts with the step, those that do unless
   * they fire in it. Of no meaning to architectures without AuxK, which is active from `leastDead(recipe)` of them on.
   */
  dead: Int32Array;
  /** What the weight of the sparsity loss is multiplied by, where its p is annealed; default 1. */
  sparsityScale?: number;
}

/** What one step measured, before its update. */
export interface StepResult {
  /** Mean over tokens and dimensions of the squared error. */
  mse: number;
  /**
   * The reconstruction part of the loss: mse, times d_in where the recipe sums over dimensions; of a Matryoshka SAE the mean of
   * that over its prefixes.
   */
  reconstructionLoss: number;
  /**
   * The architecture's auxiliary loss without its weight, 0 where it has none; AuxK as the recipe's variant defines it,
   * 0 while it is not active.
   */
  auxLoss: number;
  /** The architecture's sparsity loss with its weight, 0 where it has none. */
  sparsityLoss: number;
  /** Σ‖target − x̂‖² over the batch. */
  errorSquares: number;
  /** Σ‖target − mean of the batch‖². */
  centredSquares: number;
  /** Σ‖target‖² over the batch. */
  squares: number;
  /** Global norm of the gradient, before clipping (and after the removal of its parallel part, where that is on). */
  gradientNorm: number;
  /** Latents with a value above 0, summed over the tokens. */
  activeLatents: number;
  /** Of an SAE whose latents are selected over the batch: the smallest value above 0 that was kept, if any. */
  leastActive: number | null;
  /** Where p of the sparsity loss is annealed: a token's mean of it without its weight, at this p and at the one after it. */
  norms?: { now: number; next: number };
  /** One byte a latent: non-zero where it is in some token's top k, or was kept with a value above 0 of the batch. */
  fired: Uint8Array;
}
