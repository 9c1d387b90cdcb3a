/**
 * One training step of an SAE as one ONNX program: forward, losses, gradients, clip, Adam, unit rows. Forward pass and
 * loss are the architecture's.
 *
 * Shapes: B tokens, d = d_in, n = d_sae. The latents are sparse, yet at small n dense products over all n are the
 * fastest thing the runtime offers; selection (TopK) costs about as much as four of the products. AuxK works on the
 * columns of the dead latents alone, so its cost goes with their number, and is none while it is not active.
 *
 * Reductions run on values computed here, never on the program's inputs: their order of summation may follow the
 * address of the data, and a resumed run has to give the same bits.
 */
import { Graph, type Program, type Provider, type Value } from '../onnx/graph.ts';
import { architectureOf } from './architectures/index.ts';
import { meanOverTokens, sumAll } from './gradients.ts';
import type { Recipe } from './recipe.ts';
import { mapParameters } from './state.ts';
import { adam, clipFactor, globalNorm, unitRows, withoutParallel } from './update.ts';

/** Names of a tensor and its two moments among the program's inputs; outputs have `next_` before them. */
export function stateNames(name: string): readonly [string, string, string] {
  return [name, `first_${name}`, `second_${name}`];
}

/**
 * Inputs: x [B, d], of a transcoder y [B, d], its target; the tensors and moments of `stateNames`; step_size (learning rate / (1 − beta1^t)) and
 * root_correction (sqrt(1 − beta2^t)), scalars; what the architecture's `feeds` gives.
 * Outputs: the same tensors and moments after the step; error_squares [B]; centred_squares [B]; aux_loss,
 * mean_square (‖mean of the batch‖²), gradient_norm and active_latents, scalars; fired bool [n]; where the architecture has them sparsity_loss, a scalar,
 * nested_squares [B], least_active, norm_now and norm_next, scalars.
 */
export function stepProgram(recipe: Recipe, d_in: number, provider?: Provider): Program {
  const architecture = architectureOf(recipe);
  const graph = new Graph('', { provider });
  const { dSae: n, batchTokens: B } = recipe;
  const shapes = architecture.parameters(recipe, d_in);
  const x = graph.input('x', 'float32', [B, d_in]);
  const state = mapParameters(
    shapes,
    (shape, name) =>
      stateNames(name).map((each) => graph.input(each, 'float32', shape)) as [Value, Value, Value],
  );
  const parameters = mapParameters(state, ([value]) => value);
  const { W_enc, W_dec, b_dec } = parameters;
  const stepSize = graph.input('step_size', 'float32', []);
  const rootCorrection = graph.input('root_correction', 'float32', []);
  const zero = graph.node('Mul', [rootCorrection, graph.scalar(0)]);

  const centred = graph.node('Sub', [x, recipe.applyBDecToInput ? b_dec : zero]);
  const target = recipe.transcode === undefined ? x : graph.input('y', 'float32', [B, d_in]);
  const step = { graph, recipe, d_in, x, target, centred, parameters, zero };
  const selection = architecture.select(step);
  const loss = architecture.loss(step, selection);
  const { error } = loss;
  const full = { ...loss.gradients };
  if (recipe.removeParallelGradient) full.W_dec = withoutParallel(graph, full.W_dec, W_dec);
  if (recipe.applyBDecToInput) {
    // pre depends on b_dec too: −Σ_t dpre·W_encᵀ, summed over the tokens first.
    const row = graph.node('Unsqueeze', [loss.encoderSum, graph.int64s([0])]);
    const product = graph.node('Gemm', [row, W_enc], { attributes: { transB: 1 } });
    const throughEncoder = graph.node('Squeeze', [product, graph.int64s([0])]);
    full.b_dec = graph.node('Sub', [full.b_dec, throughEncoder]);
  }

  const norm = globalNorm(graph, full);
  const clip = clipFactor(graph, norm, recipe.gradientClip);
  for (const [name, shape] of Object.entries(shapes)) {
    const clipped = graph.node('Mul', [full[name]!, clip]);
    const next = adam(graph, recipe, state[name]!, clipped, stepSize, rootCorrection);
    if (name === 'W_dec' && recipe.unitNormDecoder) next[0] = unitRows(graph, next[0]);
    next[0] = architecture.afterStep?.(graph, name, next[0]) ?? next[0];
    stateNames(name).forEach((each, i) => {
      graph.output(next[i]!, `next_${each}`, 'float32', shape);
    });
  }

  const perToken = { attributes: { keepdims: 0 } };
  const lastAxis = graph.int64s([1]);
  graph.output(graph.node('ReduceSumSquare', [error, lastAxis], perToken), 'error_squares', 'float32', [B]);
  const shifted = recipe.transcode === undefined ? centred : graph.node('Sub', [target, b_dec]);
  const mean = meanOverTokens(graph, shifted, B);
  const deviation = graph.node('Sub', [shifted, mean]);
  graph.output(graph.node('ReduceSumSquare', [deviation, lastAxis], perToken), 'centred_squares', 'float32', [
    B,
  ]);
  const isShifted = recipe.transcode !== undefined || recipe.applyBDecToInput;
  const whole = isShifted ? graph.node('Add', [mean, b_dec]) : mean;
  graph.output(sumAll(graph, 'ReduceSumSquare', whole), 'mean_square', 'float32', []);
  graph.output(loss.aux ?? graph.scalar(0), 'aux_loss', 'float32', []);
  graph.output(norm, 'gradient_norm', 'float32', []);
  graph.output(selection.activeLatents, 'active_latents', 'float32', []);
  graph.output(selection.fired, 'fired', 'bool', [n]);
  if (loss.nestedSquares !== null) graph.output(loss.nestedSquares, 'nested_squares', 'float32', [B]);
  if (loss.sparsity !== null) graph.output(loss.sparsity, 'sparsity_loss', 'float32', []);
  if (loss.norms !== undefined) {
    graph.output(loss.norms.now, 'norm_now', 'float32', []);
    graph.output(loss.norms.next, 'norm_next', 'float32', []);
  }
  if (selection.least !== null) graph.output(selection.least, 'least_active', 'float32', []);
  return graph.program();
}
