/** An input of its own for each layer, from the tokens alone, which is added to the residual through a gate (Gemma 3n, Gemma 4). */
import type { Value } from '../../onnx/graph.ts';
import type { Build } from '../build.ts';
import { linear, split } from './linear.ts';
import { type Activation, activate } from './mlp.ts';
import { headNorm, type Norm } from './norm.ts';

export interface LayerInputsShape {
  width: number;
  /** Numbers of a layer's input. */
  size: number;
  layers: number;
  /** Entries of the table embed_tokens_per_layer. */
  vocabulary: number;
  norm: Norm;
  activation: Activation;
}

/**
 * Of each token by itself, and of its embedding; tensors lie under `name`.
 *
 * @param ids int32 [rows, tokens]; embedded [N, width]
 * @returns [N, size] for each layer
 */
export function layerInputs(
  build: Build,
  ids: Value,
  embedded: Value,
  name: string,
  { width, size, layers, vocabulary, norm }: LayerInputsShape,
): Value[] {
  const { graph } = build;
  const all = layers * size;
  const rows = build.rows(`${name}embed_tokens_per_layer.weight`, [vocabulary, all], ids);
  const flat = graph.node('Reshape', [rows, graph.int64s([-1, all])]);
  const own = graph.node('Mul', [flat, graph.scalar(Math.sqrt(size))]);
  const product = linear(build, embedded, `${name}per_layer_model_projection`, { from: width, to: all });
  const scaled = graph.node('Mul', [product, graph.scalar(width ** -0.5)]);
  const normed = headNorm(norm, size)(build, scaled, `${name}per_layer_projection_norm`, all);
  const both = graph.node('Mul', [graph.node('Add', [normed, own]), graph.scalar(Math.SQRT1_2)]);
  return split(build, both, Array<number>(layers).fill(size));
}

/** What comes of a layer's input by a gate that x opens, [N, width]; tensors lie under `at`. x [N, width], input [N, size]. */
export function ofLayerInput(
  build: Build,
  x: Value,
  input: Value,
  at: string,
  { width, size, norm, activation }: LayerInputsShape,
): Value {
  const { graph } = build;
  const gate = linear(build, x, `${at}.per_layer_input_gate`, { from: width, to: size });
  const gated = graph.node('Mul', [activate(build, gate, activation), input]);
  const product = linear(build, gated, `${at}.per_layer_projection`, { from: size, to: width });
  return norm(build, product, `${at}.post_per_layer_input_norm`, width);
}
