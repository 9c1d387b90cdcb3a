/**
 * One training step of an SAE as one ONNX program: forward, losses, gradients, clip, Adam, unit rows.
 *
 * Shapes: B tokens, d = d_in, n = d_sae. The latents are sparse, yet at small n dense products over all n are the
 * fastest thing the runtime offers; selection (TopK) costs about as much as four of the products. AuxK works on the
 * columns of the dead latents alone, so its cost goes with their number, and is none while it is not active.
 *
 * Reductions run on values computed here, never on the program's inputs: their order of summation may follow the
 * address of the data, and a resumed run has to give the same bits.
 */
import { Graph, type Program, type Value } from '../onnx/graph.ts';
import { type TensorName, tensorNames, tensorShape } from '../sae/sae.ts';
import { auxK } from './aux-k.ts';
import { encoderGradients, type Gradients } from './gradients.ts';
import { leastDead, type StepRecipe } from './recipe.ts';
import { reconstructionLoss } from './reconstruction-loss.ts';
import { select } from './selection.ts';
import { mapTensors } from './state.ts';
import { adam, clipFactor, globalNorm, unitRows, withoutParallel } from './update.ts';

/** Names of a tensor and its two moments among the program's inputs; outputs have `next_` before them. */
export function stateNames(name: TensorName): readonly [string, string, string] {
  return [name, `first_${name}`, `second_${name}`];
}

/**
 * Inputs: x [B, d]; the tensors and moments of `stateNames`; step_size (learning rate / (1 − beta1^t)) and
 * root_correction (sqrt(1 − beta2^t)), scalars; dead int32 [D], ascending; unless dead latents are counted with the
 * step, aux_active bool (AuxK is on) and aux_keep int64 [1] (min(kAux, D)).
 * Outputs: the same tensors and moments after the step; error_squares [B]; centred_squares [B]; aux_loss,
 * gradient_norm and active_latents, scalars; fired bool [n]; of a Matryoshka SAE nested_squares [B]; of one whose
 * latents are selected over the batch least_active, a scalar.
 */
export function stepProgram(recipe: StepRecipe, d_in: number): Program {
  const graph = new Graph();
  const { dSae: n, batchTokens: B } = recipe;
  const shape = { d_in, d_sae: n };
  const x = graph.input('x', 'float32', [B, d_in]);
  const state = mapTensors((name) =>
    stateNames(name).map((each) => graph.input(each, 'float32', tensorShape(name, shape))),
  ) as Record<TensorName, [Value, Value, Value]>;
  const { W_enc, W_dec, b_enc, b_dec } = mapTensors((name) => state[name][0]);
  const stepSize = graph.input('step_size', 'float32', []);
  const rootCorrection = graph.input('root_correction', 'float32', []);
  const candidates = graph.input('dead', 'int32', ['D']);
  const zero = graph.node('Mul', [rootCorrection, graph.scalar(0)]);

  const centred = graph.node('Sub', [x, b_dec]);
  const selection = select(graph, recipe, graph.node('Gemm', [centred, W_enc, b_enc]), zero);
  const main = reconstructionLoss(graph, recipe, d_in, { x, dense: selection.dense, W_dec, b_dec });
  const { error } = main;
  const gradients: Gradients = {
    W_dec: main.W_dec,
    ...encoderGradients(graph, centred, selection.through(main.slopes)),
    b_dec: main.b_dec,
  };
  const auxiliary = deadLatents(graph, recipe, candidates, selection.fired);
  const aux = auxK(graph, recipe, d_in, {
    centred,
    error,
    ...auxiliary,
    zero,
    W_enc,
    W_dec,
    b_enc,
    gradients,
  });
  // pre depends on b_dec too: −Σ_t dpre·W_encᵀ, summed over the tokens first.
  const throughEncoder = graph.node('Squeeze', [
    graph.node('Gemm', [graph.node('Unsqueeze', [aux.gradients.b_enc, graph.int64s([0])]), W_enc], {
      attributes: { transB: 1 },
    }),
    graph.int64s([0]),
  ]);
  const full: Gradients = {
    ...aux.gradients,
    W_dec: recipe.removeParallelGradient
      ? withoutParallel(graph, aux.gradients.W_dec, W_dec)
      : aux.gradients.W_dec,
    b_dec: graph.node('Sub', [aux.gradients.b_dec, throughEncoder]),
  };

  const norm = globalNorm(graph, full);
  const clip = clipFactor(graph, norm, recipe.gradientClip);
  for (const name of tensorNames) {
    const clipped = graph.node('Mul', [full[name], clip]);
    const next = adam(graph, recipe, state[name], clipped, stepSize, rootCorrection);
    if (name === 'W_dec' && recipe.unitNormDecoder) next[0] = unitRows(graph, next[0]);
    stateNames(name).forEach((each, i) => {
      graph.output(next[i]!, `next_${each}`, 'float32', tensorShape(name, shape));
    });
  }

  const perToken = { attributes: { keepdims: 0 } };
  const lastAxis = graph.int64s([1]);
  graph.output(graph.node('ReduceSumSquare', [error, lastAxis], perToken), 'error_squares', 'float32', [B]);
  const mean = graph.node('ReduceMean', [centred, graph.int64s([0])]);
  const deviation = graph.node('Sub', [centred, mean]);
  graph.output(graph.node('ReduceSumSquare', [deviation, lastAxis], perToken), 'centred_squares', 'float32', [
    B,
  ]);
  graph.output(aux.loss, 'aux_loss', 'float32', []);
  graph.output(norm, 'gradient_norm', 'float32', []);
  graph.output(selection.activeLatents, 'active_latents', 'float32', []);
  graph.output(selection.fired, 'fired', 'bool', [n]);
  if (main.nestedSquares !== null) graph.output(main.nestedSquares, 'nested_squares', 'float32', [B]);
  if (selection.least !== null) graph.output(selection.least, 'least_active', 'float32', []);
  return graph.program();
}

/**
 * The latents that AuxK goes by, whether there are enough of them, and how many each token keeps. Where the step
 * itself counts, those that fired in it are dead no more; else all of this is known before the step and given to it.
 */
function deadLatents(
  graph: Graph,
  recipe: StepRecipe,
  candidates: Value,
  fired: Value,
): { dead: Value; active: Value; keep: Value } {
  switch (recipe.deadCounting) {
    case 'before-step':
      return {
        dead: candidates,
        active: graph.input('aux_active', 'bool', []),
        keep: graph.input('aux_keep', 'int64', [1]),
      };
    case 'with-step': {
      const dead = graph.node('Compress', [
        candidates,
        graph.node('Not', [graph.node('Gather', [fired, candidates])]),
      ]);
      const many = graph.node('Shape', [dead]);
      const least = graph.int64s([leastDead(recipe)], []);
      return {
        dead,
        active: graph.node('GreaterOrEqual', [graph.node('Squeeze', [many]), least]),
        keep: graph.node('Min', [many, graph.int64s([recipe.kAux])]),
      };
    }
    default:
      return recipe.deadCounting satisfies never;
  }
}
