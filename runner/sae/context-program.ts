/**
 * What a temporal SAE predicts of each token from those before it (Lubana et al. 2025, arXiv 2511.01836), as a program over one
 * sequence. Its two square matrices are inputs: as constants they would not fit in a program.
 */
import { Graph, type Program, type Provider, type Value } from '../onnx/graph.ts';
import { length } from '../onnx/reductions.ts';
import { centred, type PlaceTensor, upright } from './programs.ts';
import type { LinearMap, SaeVectors } from './sae.ts';

/** Added to the length of the direction that r is projected on. */
export const PREDICTION_EPSILON = 1e-6;

/** Names of the inputs that hold the square matrices of a layer. */
export const squareInputs = (layer: number): readonly [v: string, o: string] => [`v${layer}`, `o${layer}`];

/**
 * x [T, d_in] of one sequence, mask [T, T] (0 where the row's token sees the column's, else −∞) and the square matrices -> predicted
 * [T, d_in], in the scale of x', and rest [T, d_in]: x' − b_dec without it.
 */
export function contextProgram(sae: SaeVectors, place: PlaceTensor, provider?: Provider): Program {
  const { context, d_in, d_sae } = sae;
  if (context === undefined) throw new RangeError('an SAE that predicts nothing');
  const graph = new Graph('', { provider });
  let rest = centred(graph, sae, place);
  const mask = graph.input('mask', 'float32', ['T', 'T']);
  const encoder = place(graph, 'W_enc');
  const W_dec = upright(graph, place(graph, 'W_dec'));
  const linear = (x: Value, { weight, bias }: LinearMap, input?: string): Value => {
    const out = bias.length;
    const matrix =
      input === undefined ? graph.floats(weight, [out, d_sae]) : graph.input(input, 'float32', [out, d_sae]);
    return graph.node('Gemm', [x, matrix, graph.floats(bias, [out])], { attributes: { transB: 1 } });
  };
  const transposed = (x: Value, perm: readonly number[]): Value =>
    graph.node('Transpose', [x], { attributes: { perm: { ints: perm } } });
  /** [T, heads·width] -> [heads, T, width] */
  const split = (x: Value, width: number): Value =>
    transposed(graph.node('Reshape', [x, graph.int64s([-1, context.heads, width])]), [1, 0, 2]);

  let predicted: Value | undefined;
  for (const [i, layer] of context.layers.entries()) {
    const [v, o] = squareInputs(i);
    const gemm = graph.node('Gemm', [rest, encoder.value], {
      attributes: { transB: encoder.turned ? 1 : 0 },
    });
    const z = graph.node('Relu', [gemm]);
    const earlier = graph.node('Slice', [z, graph.int64s([0]), graph.int64s([-1]), graph.int64s([0])]);
    const before = graph.node('Concat', [graph.floats(new Float32Array(d_sae), [1, d_sae]), earlier], {
      attributes: { axis: 0 },
    });
    const width = layer.k.bias.length / context.heads;
    const keys = transposed(split(linear(before, layer.k), width), [0, 2, 1]);
    const products = graph.node('MatMul', [split(linear(z, layer.q), width), keys]);
    const scaled = graph.node('Mul', [products, graph.scalar(1 / Math.sqrt(width))]);
    const shares = graph.node('Softmax', [graph.node('Add', [scaled, mask])], { attributes: { axis: -1 } });
    const values = split(linear(before, layer.v, v), d_sae / context.heads);
    const mixed = transposed(graph.node('MatMul', [shares, values]), [1, 0, 2]);
    const flat = graph.node('Reshape', [mixed, graph.int64s([-1, d_sae])]);
    const codes = graph.node('Relu', [linear(flat, layer.o, o)]);
    const along = graph.node('MatMul', [codes, W_dec]);
    const norm = graph.node('Add', [length(graph, along, 1), graph.scalar(PREDICTION_EPSILON)]);
    const inner = graph.node('ReduceSum', [graph.node('Mul', [along, rest]), graph.int64s([1])], {
      attributes: { keepdims: 1 },
    });
    const share = graph.node('Div', [inner, graph.node('Mul', [norm, norm])]);
    const part = graph.node('Mul', [along, share]);
    rest = graph.node('Sub', [rest, part]);
    predicted = predicted === undefined ? part : graph.node('Add', [predicted, part]);
  }
  graph.output(graph.node('Identity', [predicted!]), 'predicted', 'float32', ['T', d_in]);
  graph.output(graph.node('Identity', [rest]), 'rest', 'float32', ['T', d_in]);
  return graph.program();
}
