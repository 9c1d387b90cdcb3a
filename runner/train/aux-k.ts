import { elementTypes, Graph, type Value } from '../onnx/graph.ts';
import { encoderGradients, type Gradients, positive, scatterColumns, sumAll } from './gradients.ts';
import { lossWeight, type StepRecipe } from './recipe.ts';

/**
 * AuxK: of the dead latents the kAux with the largest pre (or all, where there are fewer) reconstruct the residual
 * x − x̂, taken as a constant, without b_dec; alpha times the loss of that joins the loss. See `auxVariant` of the
 * recipe for its forms.
 *
 * @returns the AuxK loss (0 while not active) and the gradients with its share added
 */
export function auxK(
  outer: Graph,
  recipe: StepRecipe,
  d_in: number,
  main: {
    centred: Value;
    error: Value;
    dead: Value;
    /** bool: whether enough are dead. int64 [1]: how many of them each token keeps, min(kAux, D). */
    active: Value;
    keep: Value;
    /** The number 0 as a value of the program. */
    zero: Value;
    W_enc: Value;
    W_dec: Value;
    b_enc: Value;
    gradients: Gradients;
  },
): { loss: Value; gradients: Gradients } {
  const { alphaAux, dSae: n } = recipe;
  const { centred, error, dead, gradients } = main;
  const touched = ['W_enc', 'W_dec', 'b_enc'] as const;
  const shapes = { W_enc: [d_in, n], W_dec: [n, d_in], b_enc: [n] };

  const graph = new Graph('aux_');
  const column = graph.node('Cast', [dead], { attributes: { to: elementTypes.int64 } });
  const W_enc = graph.node('Gather', [main.W_enc, column], { attributes: { axis: 1 } });
  const W_dec = graph.node('Gather', [main.W_dec, column], { attributes: { axis: 0 } });
  const b_enc = graph.node('Gather', [main.b_enc, column], { attributes: { axis: 0 } });
  const pre = graph.node('Gemm', [centred, W_enc, b_enc]);
  const [top, at] = graph.nodes('TopK', [pre, main.keep], {
    outputs: 2,
    attributes: { sorted: 0 },
  }) as [Value, Value];
  const z = graph.node('Relu', [top]);
  const zeros = graph.node('Expand', [main.zero, graph.node('Shape', [pre])]);
  const dense = scatterColumns(graph, zeros, at, z);
  // z·W_dec − (x − x̂); error is x̂ − x.
  const difference = graph.node('Add', [graph.node('MatMul', [dense, W_dec]), error]);
  const squares = sumAll(graph, 'ReduceSumSquare', difference);
  const weight = auxWeight(graph, recipe, d_in, main.keep, error);
  const loss = graph.node('Mul', [squares, weight]);
  const slope = graph.node('Mul', [difference, graph.node('Mul', [weight, graph.scalar(2 * alphaAux)])]);
  const rowGradient = graph.node('Gemm', [dense, slope], { attributes: { transA: 1 } });
  const back = graph.node('Gemm', [slope, W_dec], { attributes: { transB: 1 } });
  const selected = graph.node('GatherElements', [back, at], { attributes: { axis: 1 } });
  const slopes = graph.node('Mul', [selected, positive(graph, z)]);
  const encoder = encoderGradients(graph, centred, scatterColumns(graph, zeros, at, slopes));

  // Widened after they are spread out: devices work on int32.
  const spread = graph.node('Expand', [dead, graph.node('Shape', [W_enc])]);
  const columns = graph.node('Cast', [spread], { attributes: { to: elementTypes.int64 } });
  const rows = graph.node('Cast', [graph.node('Unsqueeze', [dead, graph.int64s([1])])], {
    attributes: { to: elementTypes.int64 },
  });
  const add = { string: 'add' };
  const branch = {
    W_enc: graph.node('ScatterElements', [gradients.W_enc, columns, encoder.W_enc], {
      attributes: { axis: 1, reduction: add },
    }),
    W_dec: graph.node('ScatterND', [gradients.W_dec, rows, rowGradient], { attributes: { reduction: add } }),
    b_enc: graph.node('ScatterElements', [gradients.b_enc, column, encoder.b_enc], {
      attributes: { axis: 0, reduction: add },
    }),
  };
  graph.output(loss, 'aux_then_loss', 'float32', []);
  for (const name of touched) graph.output(branch[name], `aux_then_${name}`, 'float32', shapes[name]);

  const idle = new Graph('idle_');
  idle.output(idle.scalar(0), 'aux_else_loss', 'float32', []);
  for (const name of touched) idle.output(gradients[name], `aux_else_${name}`, 'float32', shapes[name]);

  const [auxLoss, W_encSum, W_decSum, b_encSum] = outer.nodes('If', [main.active], {
    outputs: 4,
    attributes: { then_branch: graph.body(), else_branch: idle.body() },
  }) as [Value, Value, Value, Value];
  return {
    loss: auxLoss,
    gradients: { ...gradients, W_enc: W_encSum, W_dec: W_decSum, b_enc: b_encSum },
  };
}

/** What the squared error of AuxK, summed over tokens and dimensions, is multiplied by; a scalar. */
function auxWeight(graph: Graph, recipe: StepRecipe, d_in: number, keep: Value, error: Value): Value {
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
      const mean = graph.node('ReduceMean', [error, graph.int64s([0])]);
      const variance = sumAll(graph, 'ReduceSumSquare', graph.node('Sub', [error, mean]));
      const zero = graph.scalar(0);
      const inverse = graph.node('Div', [graph.scalar(1), variance]);
      return graph.node('Where', [graph.node('Greater', [variance, zero]), inverse, zero]);
    }
    default:
      return recipe.auxVariant satisfies never;
  }
}
