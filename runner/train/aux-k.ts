import { elementTypes, Graph, type Value } from '../onnx/graph.ts';
import { encoderGradients, type Gradients, scatterColumns, sumAll } from './gradients.ts';
import type { StepRecipe } from './recipe.ts';

/**
 * AuxK, reference variant: when at least kAux latents are dead, the kAux largest pre among them reconstruct the
 * residual x − x̂ (taken as a constant) without b_dec; alpha times the mean squared error joins the loss.
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
    W_enc: Value;
    W_dec: Value;
    b_enc: Value;
    gradients: Gradients;
  },
): { loss: Value; gradients: Gradients } {
  const { kAux, alphaAux, batchTokens: B, dSae: n } = recipe;
  const { centred, error, dead, gradients } = main;
  const touched = ['W_enc', 'W_dec', 'b_enc'] as const;
  const shapes = { W_enc: [d_in, n], W_dec: [n, d_in], b_enc: [n] };

  const graph = new Graph('aux_');
  const column = graph.node('Cast', [dead], { attributes: { to: elementTypes.int64 } });
  const W_enc = graph.node('Gather', [main.W_enc, column], { attributes: { axis: 1 } });
  const W_dec = graph.node('Gather', [main.W_dec, column], { attributes: { axis: 0 } });
  const b_enc = graph.node('Gather', [main.b_enc, column], { attributes: { axis: 0 } });
  const pre = graph.node('Gemm', [centred, W_enc, b_enc]);
  const [top, at] = graph.nodes('TopK', [pre, graph.int64s([kAux])], {
    outputs: 2,
    attributes: { sorted: 0 },
  }) as [Value, Value];
  const z = graph.node('Relu', [top]);
  const zeros = graph.node('ConstantOfShape', [graph.node('Shape', [pre])]);
  const dense = scatterColumns(graph, zeros, at, z);
  // z·W_dec − (x − x̂); error is x̂ − x.
  const difference = graph.node('Add', [graph.node('MatMul', [dense, W_dec]), error]);
  const squares = sumAll(graph, 'ReduceSumSquare', difference);
  const loss = graph.node('Mul', [squares, graph.scalar(1 / (B * d_in))]);
  const slope = graph.node('Mul', [difference, graph.scalar((2 * alphaAux) / (B * d_in))]);
  const rowGradient = graph.node('Gemm', [dense, slope], { attributes: { transA: 1 } });
  const encoder = encoderGradients(graph, { centred, slope, rows: W_dec, z, at, zeros });

  const columns = graph.node('Expand', [column, graph.node('Shape', [W_enc])]);
  const add = { string: 'add' };
  const branch = {
    W_enc: graph.node('ScatterElements', [gradients.W_enc, columns, encoder.W_enc], {
      attributes: { axis: 1, reduction: add },
    }),
    W_dec: graph.node(
      'ScatterND',
      [gradients.W_dec, graph.node('Unsqueeze', [column, graph.int64s([1])]), rowGradient],
      { attributes: { reduction: add } },
    ),
    b_enc: graph.node('ScatterElements', [gradients.b_enc, column, encoder.b_enc], {
      attributes: { axis: 0, reduction: add },
    }),
  };
  graph.output(loss, 'aux_then_loss', 'float32', []);
  for (const name of touched) graph.output(branch[name], `aux_then_${name}`, 'float32', shapes[name]);

  const idle = new Graph('idle_');
  idle.output(idle.scalar(0), 'aux_else_loss', 'float32', []);
  for (const name of touched) idle.output(gradients[name], `aux_else_${name}`, 'float32', shapes[name]);

  const count = outer.node('Squeeze', [outer.node('Shape', [dead])]);
  const active = outer.node('GreaterOrEqual', [count, outer.int64s([kAux], [])]);
  const [auxLoss, W_encSum, W_decSum, b_encSum] = outer.nodes('If', [active], {
    outputs: 4,
    attributes: { then_branch: graph.body(), else_branch: idle.body() },
  }) as [Value, Value, Value, Value];
  return {
    loss: auxLoss,
    gradients: { ...gradients, W_enc: W_encSum, W_dec: W_decSum, b_enc: b_encSum },
  };
}
