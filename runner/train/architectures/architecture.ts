/**
 * What an architecture is to training: its settings, its tensors, its forward pass and loss with their gradients (as
 * part of an ONNX program, and slowly in TypeScript), and the SAE that comes of it. Everything else of a step (the
 * encoder's share of b_dec's gradient, clipping, Adam, unit rows) is common to all.
 *
 * Shapes: B tokens, d = d_in, n = d_sae.
 */
import type { z } from 'zod';
import type { Graph, Value } from '../../onnx/graph.ts';
import type { HostTensor } from '../../onnx/session.ts';
import type { Normalisation, Sae } from '../../sae/sae.ts';
import type { CommonRecipe } from '../common-settings.ts';
import type { LossAndGradients, ReferenceStep } from '../reference-step.ts';
import type { ParameterShapes, Parameters, PerParameter } from '../state.ts';

/** Fields of the recipe, each with its default and its words for --help. */
export type Settings = z.ZodRawShape;

/** A recipe, as an architecture with these settings sees it. */
export type RecipeWith<S extends Settings> = CommonRecipe & z.output<z.ZodObject<S>>;

export interface Architecture<Name extends string, S extends Settings> {
  /** As in `sae.architecture`. */
  name: Name;
  /** What it is, for --help. */
  summary: string;
  /** Settings that mean something to it. Architectures that share one share its schema too. */
  settings: S;
  /**
   * Settings that a sweep may list, each with its mark in the names of SAEs (`k` as in `L11_k64`); first the one that
   * says how sparse the SAE is.
   */
  marks: { readonly [Setting in keyof S & string]?: string };
  /** What of a recipe does not fit together, beyond what the schema of each field says. */
  check?(recipe: RecipeWith<S>): readonly Complaint[];
  /** The tensors that are trained. */
  parameters(recipe: RecipeWith<S>, d_in: number): ParameterShapes;
  /** Those of them that are its own, as they are before the first step; W_enc, W_dec and b_dec are given. */
  initialise(recipe: RecipeWith<S>): Record<string, Float32Array>;
  /** What the step program is told besides x, the state and Adam's factors: the inputs that `select` and `loss` add. */
  feeds(
    recipe: RecipeWith<S>,
    step: { d_in: number; dead: Int32Array; updates: number; sparsityScale: number },
  ): Record<string, HostTensor>;
  /** From x to the latents. */
  select(step: ProgramStep<RecipeWith<S>>): Selection;
  /** From the latents to the loss, and back to the gradients. */
  loss(step: ProgramStep<RecipeWith<S>>, selection: Selection): Loss;
  /** What is done to its own tensors after each update, where something is. */
  afterStep?(graph: Graph, name: string, updated: Value): Value;
  /** Weight of the auxiliary loss in the whole. */
  auxWeight(recipe: RecipeWith<S>): number;
  /** The same step, slow and obvious, in float64; for tests. */
  reference: {
    loss(step: ReferenceStep<RecipeWith<S>>): LossAndGradients;
    /** In place, as `afterStep`. */
    afterStep?(parameters: Parameters): void;
  };
  /**
   * The SAE in canonical form. Tensors are not copied.
   *
   * @param threshold running mean of the smallest latent kept of a batch, 0 where none is reported
   */
  toSae(
    recipe: RecipeWith<S>,
    d_in: number,
    parameters: Parameters,
    found: { normalisation: Normalisation; threshold: number },
  ): Sae;
}

export interface Complaint {
  setting: string;
  message: string;
}

/** What a step program has before the architecture's part. */
export interface ProgramStep<R> {
  graph: Graph;
  recipe: R;
  d_in: number;
  /** What is read [B, d]. */
  x: Value;
  /** What is reconstructed [B, d]: x, unless it is a transcoder. */
  target: Value;
  /** x − b_dec, or x where b_dec is not subtracted [B, d]. */
  centred: Value;
  parameters: PerParameter<Value>;
  /** The number 0 as a value of the program: no constant, so that tensors of zeros are made where they are needed. */
  zero: Value;
}

export interface Selection {
  /** z [B, n], 0 where a latent is not active. */
  z: Value;
  /** What else of the forward pass `loss` asks for, under the architecture's own names. */
  inner?: Record<string, Value>;
  /** d loss / d (centred·W_enc) [B, n] of d loss / d z [B, n], and the gradients of the encoder's own tensors. */
  backward(slopes: Value): { pre: Value; own: Record<string, Value> };
  /** bool [n]: the latents that count as having fired. */
  fired: Value;
  /** Values above 0, a scalar. */
  activeLatents: Value;
  /** The smallest of them, a scalar, infinite where there is none; null where no threshold is to be estimated. */
  least: Value | null;
}

export interface Loss {
  /** x̂ − target [B, d] */
  error: Value;
  /** The squared error of each token, averaged over prefixes [B]; null where it is that of `error`. */
  nestedSquares: Value | null;
  /** Of the whole loss, but for what b_dec gets through the encoder. */
  gradients: PerParameter<Value>;
  /** d loss / d (centred·W_enc), summed over the tokens [n]: what b_dec gets through the encoder follows from it. */
  encoderSum: Value;
  /** An auxiliary loss without its weight, a scalar. */
  aux: Value | null;
  /** A sparsity loss with its weight, a scalar. */
  sparsity: Value | null;
  /** Where p of the sparsity loss is annealed: that loss without its weight at the p in force and at the one after it. */
  norms?: { now: Value; next: Value };
}

/** The architecture itself, its types found from it. */
export function architecture<const Name extends string, S extends Settings>(
  parts: Architecture<Name, S>,
): Architecture<Name, S> {
  return parts;
}
