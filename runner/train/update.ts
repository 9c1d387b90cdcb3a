/** From gradients to new weights, in the step program. */
import type { Graph, Value } from '../onnx/graph.ts';
import { length } from '../onnx/reductions.ts';
import type { CommonRecipe } from './common-settings.ts';
import { sumAll } from './gradients.ts';
import type { PerParameter } from './state.ts';

/** torch.nn.utils.clip_grad_norm_ divides by the norm plus this. */
const CLIP_EPSILON = 1e-6;
/** A row of W_dec that vanished is left as it is. */
const NORM_FLOOR = 1e-12;

/** Removes from each row of `gradient` its part along the same row of `rows`. */
export function withoutParallel(graph: Graph, gradient: Value, rows: Value): Value {
  const axis = graph.int64s([1]);
  const along = graph.node('ReduceSum', [graph.node('Mul', [gradient, rows]), axis]);
  // Mul first: a reduction over the input itself could sum in another order (see step-program.ts).
  const squares = graph.node('ReduceSum', [graph.node('Mul', [rows, rows]), axis]);
  const share = graph.node('Div', [along, graph.node('Max', [squares, graph.scalar(NORM_FLOOR)])]);
  return graph.node('Sub', [gradient, graph.node('Mul', [rows, share])]);
}

/** Norm of all gradients taken as one vector. */
export function globalNorm(graph: Graph, gradients: PerParameter<Value>): Value {
  const squares = Object.values(gradients).map((each) => sumAll(graph, 'ReduceSumSquare', each));
  return graph.node('Sqrt', [squares.reduce((sum, each) => graph.node('Add', [sum, each]))]);
}

/** What the gradients are multiplied by so that their global norm is at most `limit`. */
export function clipFactor(graph: Graph, norm: Value, limit: number): Value {
  const ratio = graph.node('Div', [
    graph.scalar(limit),
    graph.node('Add', [norm, graph.scalar(CLIP_EPSILON)]),
  ]);
  return graph.node('Min', [ratio, graph.scalar(1)]);
}

/** The tensor and its moments after one Adam step, with torch.optim.Adam's placing of epsilon. */
export function adam(
  graph: Graph,
  { adamBeta1, adamBeta2, adamEpsilon }: Pick<CommonRecipe, 'adamBeta1' | 'adamBeta2' | 'adamEpsilon'>,
  [parameter, first, second]: readonly [Value, Value, Value],
  gradient: Value,
  stepSize: Value,
  rootCorrection: Value,
): [Value, Value, Value] {
  const mix = (moment: Value, beta: number, by: Value): Value =>
    graph.node('Add', [
      graph.node('Mul', [moment, graph.scalar(beta)]),
      graph.node('Mul', [by, graph.scalar(1 - beta)]),
    ]);
  const nextFirst = mix(first, adamBeta1, gradient);
  const nextSecond = mix(second, adamBeta2, graph.node('Mul', [gradient, gradient]));
  const root = graph.node('Div', [graph.node('Sqrt', [nextSecond]), rootCorrection]);
  const direction = graph.node('Div', [nextFirst, graph.node('Add', [root, graph.scalar(adamEpsilon)])]);
  const next = graph.node('Sub', [parameter, graph.node('Mul', [direction, stepSize])]);
  return [next, nextFirst, nextSecond];
}

/** The rows of W_dec scaled to norm 1. */
export function unitRows(graph: Graph, rows: Value): Value {
  return graph.node('Div', [rows, graph.node('Max', [length(graph, rows, 1), graph.scalar(NORM_FLOOR)])]);
}
