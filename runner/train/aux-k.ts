/** AuxK (Gao et al. 2024, arXiv 2406.04093): the loss that brings dead latents back, in the step program. */
import { z } from 'zod';
import { elementTypes, Graph, type Value } from '../onnx/graph.ts';
import { type HostTensor, int32 } from '../onnx/session.ts';
import { type CommonRecipe, lossWeight, size } from './common-settings.ts';
import { encoderGradients, meanOverTokens, positive, scatterColumns, sumAll } from './gradients.ts';
import type { PerParameter } from './state.ts';

export const auxKSettings = {
  kAux: size
    .default(2_560)
    .describe(
      'AuxK: dead latents that model the residual, for each token; half the width of the residual stream in the reference',
    ),
  alphaAux: z
    .number()
    .nonnegative()
    .max(1_000)
    .default(1 / 32)
    .describe('weight of the AuxK loss; 0 turns AuxK off'),
  auxVariant: z
    .enum(['reference', 'scaled', 'normalised'])
    .default('reference')
    .describe(
      'form of AuxK; reference: plain squared error, only while at least kAux latents are dead; scaled: times min(dead / kAux, 1), from the first dead latent on; normalised: divided by the variance of the residual, from the first dead latent on',
    ),
  deadCounting: z
    .enum(['before-step', 'with-step'])
    .default('before-step')
    .describe('whether the tokens and firings of a step itself count for the dead latents its AuxK goes by'),
};

type AuxKRecipe = z.output<z.ZodObject<typeof auxKSettings>> &
  Pick<CommonRecipe, 'dSae' | 'batchTokens' | 'lossReduction'>;

/** AuxK is active when so many latents are dead. */
export function leastDead({ auxVariant, kAux }: Pick<AuxKRecipe, 'auxVariant' | 'kAux'>): number {
  return auxVariant === 'reference' ? kAux : 1;
}

/** What the step program is told of AuxK; where the step itself counts, it finds out the rest. */
export function auxKFeeds(
  recipe: Pick<AuxKRecipe, 'deadCounting' | 'auxVariant' | 'kAux'>,
  candidates: Int32Array,
): Record<string, HostTensor> {
  const dead = candidates.length;
  const told = { dead: int32(candidates, [dead]) };
  if (recipe.deadCounting === 'with-step') return told;
  return {
    ...told,
    aux_active: { type: 'bool', dims: [], data: Uint8Array.of(dead >= leastDead(recipe) ? 1 : 0) },
    aux_keep: { type: 'int64', dims: [1], data: BigInt64Array.of(BigInt(Math.min(recipe.kAux, dead))) },
  };
}

/**
 * AuxK: of the dead latents the kAux with the largest pre (or all, where there are fewer) reconstruct the residual
 * x − x̂, taken as a constant, without b_dec; alpha times the loss of that joins the loss. See `auxVariant` of the
 * recipe for its forms. Adds the inputs of `auxKFeeds`: dead int32 [D], ascending, and unless dead latents are counted
 * with the step aux_active bool (AuxK is on) and aux_keep int64 [1] (min(kAux, D)).
 *
 * @returns the AuxK loss (0 while not active) and the gradients with its share added
 */
export function auxK(
  outer: Graph,
  recipe: AuxKRecipe,
  d_in: number,
  main: {
    centred: Value;
    error: Value;
    /** bool [n] */
    fired: Value;
    /** The number 0 as a value of the program. */
    zero: Value;
    W_enc: Value;
    W_dec: Value;
    b_enc: Value;
    gradients: PerParameter<Value>;
  },
): { loss: Value; gradients: PerParameter<Value> } {
  const { alphaAux, dSae: n } = recipe;
  const { centred, error, gradients } = main;
  const { dead, active, keep } = deadLatents(outer, recipe, main.fired);
  const touched = ['W_enc', 'W_dec', 'b_enc'] as const;
  const shapes = { W_enc: [d_in, n], W_dec: [n, d_in], b_enc: [n] };

  const graph = new Graph('aux_', outer);
  const column = graph.node('Cast', [dead], { attributes: { to: elementTypes.int64 } });
  const W_enc = graph.node('Gather', [main.W_enc, column], { attributes: { axis: 1 } });
  const W_dec = graph.node('Gather', [main.W_dec, column], { attributes: { axis: 0 } });
  const b_enc = graph.node('Gather', [main.b_enc, column], { attributes: { axis: 0 } });
  const pre = graph.node('Gemm', [centred, W_enc, b_enc]);
  const [top, at] = graph.nodes('TopK', [pre, keep], {
    outputs: 2,
    attributes: { sorted: 0 },
  }) as [Value, Value];
  const z = graph.node('Relu', [top]);
  const zeros = graph.node('Expand', [main.zero, graph.node('Shape', [pre])]);
  const dense = scatterColumns(graph, zeros, at, z);
  // z·W_dec − (x − x̂); error is x̂ − x.
  const difference = graph.node('Add', [graph.node('MatMul', [dense, W_dec]), error]);
  const squares = sumAll(graph, 'ReduceSumSquare', difference);
  const weight = auxWeight(graph, recipe, d_in, keep, error);
  const loss = graph.node('Mul', [squares, weight]);
  const slope = graph.node('Mul', [difference, graph.node('Mul', [weight, graph.scalar(2 * alphaAux)])]);
  const rowGradient = graph.node('Gemm', [dense, slope], { attributes: { transA: 1 } });
  const back = graph.node('Gemm', [slope, W_dec], { attributes: { transB: 1 } });
  const selected = graph.node('GatherElements', [back, at], { attributes: { axis: 1 } });
  const slopes = graph.node('Mul', [selected, positive(graph, z)]);
  const encoder = encoderGradients(
    graph,
    centred,
    scatterColumns(graph, zeros, at, slopes),
    recipe.batchTokens,
  );

  // Of 32 bits they take as much memory as a matrix of gradients at most, however many latents are dead.
  const columns = graph.node('Expand', [dead, graph.node('Shape', [W_enc])]);
  const rows = graph.node('Cast', [graph.node('Unsqueeze', [dead, graph.int64s([1])])], {
    attributes: { to: elementTypes.int64 },
  });
  const add = { string: 'add' };
  const branch = {
    W_enc: graph.node('ScatterElements', [gradients.W_enc, columns, encoder.W_enc], {
      attributes: { axis: 1, reduction: add },
    }),
    W_dec: graph.node('ScatterND', [gradients.W_dec, rows, rowGradient], { attributes: { reduction: add } }),
    b_enc: graph.node('ScatterElements', [gradients.b_enc!, column, encoder.b_enc], {
      attributes: { axis: 0, reduction: add },
    }),
  };
  graph.output(loss, 'aux_then_loss', 'float32', []);
  for (const name of touched) graph.output(branch[name], `aux_then_${name}`, 'float32', shapes[name]);

  const idle = new Graph('idle_', outer);
  idle.output(idle.scalar(0), 'aux_else_loss', 'float32', []);
  for (const name of touched) idle.output(gradients[name]!, `aux_else_${name}`, 'float32', shapes[name]);

  const [auxLoss, W_encSum, W_decSum, b_encSum] = outer.nodes('If', [active], {
    outputs: 4,
    attributes: { then_branch: graph.body(), else_branch: idle.body() },
  }) as [Value, Value, Value, Value];
  return {
    loss: auxLoss,
    gradients: { ...gradients, W_enc: W_encSum, W_dec: W_decSum, b_enc: b_encSum },
  };
}

/** What the squared error of AuxK, summed over tokens and dimensions, is multiplied by; a scalar. */
function auxWeight(graph: Graph, recipe: AuxKRecipe, d_in: number, keep: Value, error: Value): Value {
  const plain = graph.scalar(lossWeight(recipe, d_in));
  switch (recipe.auxVariant) {
    case 'reference':
      return plain;
    case 'scaled': {
      const kept = graph.node('Squeeze', [
        graph.node('Cast', [keep], { attributes: { to: elementTypes.float32 } }),
      ]);
      return graph.node('Mul', [plain, graph.node('Div', [kept, graph.scalar(recipe.kAux)])]);
    }
    case 'normalised': {
      const mean = meanOverTokens(graph, error, recipe.batchTokens);
      const variance = sumAll(graph, 'ReduceSumSquare', graph.node('Sub', [error, mean]));
      const zero = graph.scalar(0);
      const inverse = graph.node('Div', [graph.scalar(1), variance]);
      return graph.node('Where', [graph.node('Greater', [variance, zero]), inverse, zero]);
    }
    default:
      return recipe.auxVariant satisfies never;
  }
}

/**
 * The latents that AuxK goes by, whether there are enough of them, and how many each token keeps. Where the step
 * itself counts, those that fired in it are dead no more; else all of this is known before the step and given to it.
 */
function deadLatents(
  graph: Graph,
  recipe: AuxKRecipe,
  fired: Value,
): { dead: Value; active: Value; keep: Value } {
  const candidates = graph.input('dead', 'int32', ['D']);
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
