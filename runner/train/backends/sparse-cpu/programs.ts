/** The dense products of a step, for onnxruntime. Rows are padded to `width`; W_enc is transposed. */
import { elementTypes, Graph, type Program, type Value } from '../../../onnx/graph.ts';
import type { Sizes } from './layout.ts';

/**
 * Inputs: centred [tokens, width + 1] with 1 in its last column, W_enc [latents, width + 1] with b_enc in its last column.
 * Outputs: pre and at (int32), [tokens, found]: the largest pre-activations of each token and their latents.
 */
export function encoderProgram(
  { tokens, latents, width }: Pick<Sizes, 'tokens' | 'latents' | 'width'>,
  found: number,
): Program {
  const graph = new Graph();
  const centred = graph.input('centred', 'float32', [tokens, width + 1]);
  const W_enc = graph.input('W_enc', 'float32', [latents, width + 1]);
  const all = graph.node('Gemm', [centred, W_enc], { attributes: { transB: 1 } });
  const [pre, at] = graph.nodes('TopK', [all, graph.int64s([found])], {
    outputs: 2,
    attributes: { sorted: 0 },
  }) as [Value, Value];
  const latent = graph.node('Cast', [at], { attributes: { to: elementTypes.int32 } });
  graph.output(pre, 'pre', 'float32', [tokens, found]);
  graph.output(latent, 'at', 'int32', [tokens, found]);
  return graph.program();
}

/**
 * The product of the int8 copies of B tokens and of the encoder (kernels/quantise.as.ts), as levels of one byte.
 *
 * Inputs: tokens uint8 [B, copyWidth], 128 standing for 0; latents int8 [copyWidth, columns]; scales [columns]; step,
 * the product's value between levels; zero uint8, the level of 0.
 * Output: levels uint8 [B, columns].
 */
export function screenProgram(copyWidth: number, columns: number): Program {
  const graph = new Graph();
  const x = graph.input('tokens', 'uint8', ['B', copyWidth]);
  const W = graph.input('latents', 'int8', [copyWidth, columns]);
  const scales = graph.input('scales', 'float32', [columns]);
  const step = graph.input('step', 'float32', []);
  const zero = graph.input('zero', 'uint8', []);
  const zeros = graph.int8s(new Int8Array(columns), [columns]);
  const inputs = [x, graph.scalar(1), graph.uint8(128), W, scales, zeros, step, zero];
  graph.output(graph.node('QLinearMatMul', inputs), 'levels', 'uint8', ['B', columns]);
  return graph.program();
}

/** [tokens, width + 1]: beside the activations a column of 1. */
function besideOnes(graph: Graph, { tokens, width }: Sizes): Value {
  const centred = graph.input('centred', 'float32', [tokens, width]);
  const ones = graph.floats(new Float32Array(tokens).fill(1), [tokens, 1]);
  return graph.node('Concat', [centred, ones], { attributes: { axis: 1 } });
}

/**
 * Inputs: centred [tokens, width], W_enc [latents, width], b_enc [latents, 1], dead int32 [D], some of the latents.
 * Output: pre [tokens, D] of those.
 */
export function preActivationProgram(sizes: Sizes): Program {
  const { tokens, latents, width } = sizes;
  const graph = new Graph();
  const W_enc = graph.input('W_enc', 'float32', [latents, width]);
  const b_enc = graph.input('b_enc', 'float32', [latents, 1]);
  const dead = graph.input('dead', 'int32', ['D']);
  const rows = [W_enc, b_enc].map((tensor) => graph.node('Gather', [tensor, dead]));
  const encoder = graph.node('Concat', rows, { attributes: { axis: 1 } });
  const pre = graph.node('Gemm', [besideOnes(graph, sizes), encoder], { attributes: { transB: 1 } });
  graph.output(pre, 'pre', 'float32', [tokens, 'D']);
  return graph.program();
}

/**
 * AuxK over D dead latents alone, from those that are kept of each token to what they owe. Up to half of them are
 * kept, so dense products over the dead are cheaper than sparse ones.
 *
 * Inputs: z [tokens, D], 0 where a latent is not kept; W_dec [latents, width]; dead int32 [D]; centred and error (x̂ − x)
 * [tokens, width]; slope, the scalar that z·W_dec − (x − x̂) is multiplied by.
 * Outputs: squares [tokens], ‖z·W_dec − (x − x̂)‖²; gradient_W_dec [D, width]; gradient_encoder [D, width + 1], of
 * W_enc and in the last column of b_enc.
 */
export function auxiliaryProgram(sizes: Sizes): Program {
  const { tokens, latents, width } = sizes;
  const graph = new Graph();
  const z = graph.input('z', 'float32', [tokens, 'D']);
  const W_dec = graph.node('Gather', [
    graph.input('W_dec', 'float32', [latents, width]),
    graph.input('dead', 'int32', ['D']),
  ]);
  const centred = besideOnes(graph, sizes);
  const error = graph.input('error', 'float32', [tokens, width]);
  const scale = graph.input('slope', 'float32', []);
  const difference = graph.node('Gemm', [z, W_dec, error]);
  // Scaled are the factors with a row a dead latent, mostly far fewer than tokens.
  const scaled = graph.node('Mul', [W_dec, scale]);
  // z ≥ 0, so its sign is the derivative of relu, with 0 at 0 as in PyTorch.
  const dpre = graph.node('Mul', [
    graph.node('Gemm', [difference, scaled], { attributes: { transB: 1 } }),
    graph.node('Sign', [z]),
  ]);
  const squares = graph.node('ReduceSumSquare', [difference, graph.int64s([1])], {
    attributes: { keepdims: 0 },
  });
  graph.output(squares, 'squares', 'float32', [tokens]);
  const across = { attributes: { transA: 1 } };
  const decoder = graph.node('Mul', [graph.node('Gemm', [z, difference], across), scale]);
  graph.output(decoder, 'gradient_W_dec', 'float32', ['D', width]);
  const encoder = graph.node('Gemm', [dpre, centred], across);
  graph.output(encoder, 'gradient_encoder', 'float32', ['D', width + 1]);
  return graph.program();
}
