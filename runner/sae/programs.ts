/**
 * ONNX programs of an SAE. Both work on any number T of tokens.
 *
 * Decoding gathers k rows of W_dec a token and multiplies them: against a dense [T, d_sae] product it is 1.3 times
 * as fast at d_in 128, d_sae 1,024, k 32 and 5 times at 512, 8,192, 32 (one core). It holds T·k·d_in floats, so
 * callers bound T.
 */
import { elementTypes, Graph, type Program, type Value } from '../onnx/graph.ts';
import { type Sae, type TensorName, tensorShape } from './sae.ts';

/** Puts one of the SAE's tensors into a graph: as bytes of the program, or as a stretch of a file. */
export type PlaceTensor = (graph: Graph, name: TensorName) => Value;

export type SaeHeader = Omit<Sae, TensorName>;

export function inMemory(sae: Sae): PlaceTensor {
  return (graph, name) => graph.floats(sae[name], tensorShape(name, sae));
}

/**
 * x [T, d_in] -> values float32 [T, k] (relu applied), indices int32 [T, k], largest first. ONNX TopK settles exact
 * ties as the canonical form demands: the lowest index first.
 */
export function encodeProgram(sae: SaeHeader, place: PlaceTensor): Program {
  const graph = new Graph();
  const x = graph.input('x', 'float32', ['T', sae.d_in]);
  const centred = sae.apply_b_dec_to_input ? graph.node('Sub', [x, place(graph, 'b_dec')]) : x;
  const pre = graph.node('Gemm', [centred, place(graph, 'W_enc'), place(graph, 'b_enc')]);
  const [top, at] = graph.nodes('TopK', [pre, graph.int64s([sae.k])], { outputs: 2 }) as [Value, Value];
  graph.output(graph.node('Relu', [top]), 'values', 'float32', ['T', sae.k]);
  const indices = graph.node('Cast', [at], { attributes: { to: elementTypes.int32 } });
  graph.output(indices, 'indices', 'int32', ['T', sae.k]);
  return graph.program();
}

/** values [T, k], indices [T, k] -> reconstruction [T, d_in]. */
export function decodeProgram(sae: SaeHeader, place: PlaceTensor): Program {
  const graph = new Graph();
  const values = graph.input('values', 'float32', ['T', sae.k]);
  const indices = graph.input('indices', 'int32', ['T', sae.k]);
  const rows = graph.node('Gather', [place(graph, 'W_dec'), indices], { attributes: { axis: 0 } });
  const middle = graph.int64s([1]);
  const product = graph.node('MatMul', [graph.node('Unsqueeze', [values, middle]), rows]);
  const sum = graph.node('Add', [graph.node('Squeeze', [product, middle]), place(graph, 'b_dec')]);
  graph.output(sum, 'reconstruction', 'float32', ['T', sae.d_in]);
  return graph.program();
}
