import type { Value } from '../../onnx/graph.ts';
import type { Build } from '../build.ts';
import { linear, split } from './linear.ts';
import { type Activation, activate, gatedMlp, type MlpShape } from './mlp.ts';

export interface ExpertsShape {
  width: number;
  count: number;
  /** Experts each token goes to. */
  chosen: number;
  /** Name of the router's weight. */
  router: string;
  /** Whether the router has a bias. */
  routerBias?: boolean;
  /** Divide the chosen experts' probabilities by their sum. */
  normalise: boolean;
  /** One expert's product for some rows: [n, width] -> [n, width]. */
  expert(rows: Value, index: number): Value;
}

/** Mixture of experts (Shazeer et al. 2017): each expert sees only the tokens sent to it. x [N, width]. */
export function experts(build: Build, x: Value, shape: ExpertsShape): Value {
  const { width, count, routerBias = false } = shape;
  const scores = linear(build, x, shape.router, { from: width, to: count, bias: routerBias });
  return mixture(build, x, chosenShares(build, scores, shape), shape);
}

// Expanded, and not ConstantOfShape, which a GPU would leave to the CPU with all its zeros.
const zeros = ({ graph }: Build, like: Value): Value =>
  graph.node('Expand', [graph.scalar(0), graph.node('Shape', [like])]);

/** Of scores [N, count] the largest probabilities, and 0 for the experts that a token does not go to; float32 in any precision. */
export function chosenShares(
  build: Build,
  scores: Value,
  { chosen, normalise }: Pick<ExpertsShape, 'chosen' | 'normalise'>,
): Value {
  const { graph } = build;
  return graph.withPrecision('float32', () =>
    sharesOf(build, graph.cast(scores, 'float32'), { chosen, normalise }),
  );
}

function sharesOf(
  build: Build,
  scores: Value,
  { chosen, normalise }: Pick<ExpertsShape, 'chosen' | 'normalise'>,
): Value {
  const { graph } = build;
  const probabilities = graph.node('Softmax', [scores], { attributes: { axis: -1 } });
  const [top, which] = graph.nodes('TopK', [probabilities, graph.int64s([chosen])], {
    outputs: 2,
    attributes: { axis: -1 },
  }) as [Value, Value];
  const sum = graph.node('ReduceSum', [top, graph.int64s([-1])], { attributes: { keepdims: 1 } });
  const shares = normalise ? graph.node('Div', [top, sum]) : top;
  return graph.node('ScatterElements', [zeros(build, probabilities), which, shares], {
    attributes: { axis: 1 },
  });
}

/** What the experts make of x [N, width], by their shares [N, count]: an expert sees the tokens of which it has a share. */
export function mixture(
  build: Build,
  x: Value,
  shares: Value,
  { count, expert }: Pick<ExpertsShape, 'count' | 'expert'>,
): Value {
  const { graph } = build;
  let mixed = graph.withPrecision('float32', () => zeros(build, x));
  for (let index = 0; index < count; index++) {
    const weight = graph.node('Gather', [shares, graph.int64s([index])], { attributes: { axis: 1 } });
    const flat = graph.node('Reshape', [weight, graph.int64s([-1])]);
    const rows = graph.node('Transpose', [graph.node('NonZero', [flat])]);
    const output = expert(graph.node('GatherND', [x, rows]), index);
    const weighted = graph.node('Mul', [
      graph.cast(output, 'float32'),
      graph.node('GatherND', [weight, rows]),
    ]);
    mixed = graph.node('ScatterND', [mixed, rows, weighted], {
      attributes: { reduction: { string: 'add' } },
    });
  }
  return graph.cast(mixed, graph.precision);
}

/** An expert that every token goes to through a gate: tensors `name`.shared_expert and `name`.shared_expert_gate. */
export function gatedSharedExpert(build: Build, x: Value, name: string, shape: MlpShape): Value {
  const shared = gatedMlp(build, x, `${name}.shared_expert`, shape);
  const gate = linear(build, x, `${name}.shared_expert_gate`, { from: shape.width, to: 1 });
  return build.graph.node('Mul', [shared, build.graph.node('Sigmoid', [gate])]);
}

/**
 * Experts of a file that stores all of them together: gate_up_proj [count, 2·inner, width] and down_proj
 * [count, width, inner] under `name`.
 */
export function packedExpert(
  build: Build,
  name: string,
  {
    width,
    inner,
    count,
    activation,
  }: { width: number; inner: number; count: number; activation: Activation },
): ExpertsShape['expert'] {
  const { graph } = build;
  const product = (x: Value, weight: Value): Value =>
    graph.node('Gemm', [x, weight], { attributes: { transB: 1 } });
  return (rows, index) => {
    const both = product(rows, build.weight(`${name}.gate_up_proj`, [count, 2 * inner, width], index));
    const [gate, up] = split(build, both, [inner, inner]);
    const gated = graph.node('Mul', [activate(build, gate!, activation), up!]);
    return product(gated, build.weight(`${name}.down_proj`, [count, width, inner], index));
  };
}
