import type { Value } from '../../onnx/graph.ts';
import type { Build } from '../build.ts';
import { linear, split } from './linear.ts';
import { type Activation, activate, gatedMlp, type MlpShape, sigmoid } from './mlp.ts';

/** Which experts a token goes to, by its scores, and with what shares. */
export interface Choice {
  /** Experts each token goes to. */
  chosen: number;
  /** Divide the chosen experts' probabilities by their sum. */
  normalise: boolean;
  /** Each score by itself makes a probability, instead of all of them one. */
  sigmoid?: boolean;
  /** What is added to probabilities to choose by them, and is not in the shares: its name and how many experts there are. */
  bias?: { name: string; count: number };
  /** Factor of the shares; default 1. */
  gain?: number;
  /** Experts are chosen of the best groups: by the sum of the best `rated` of each. Those of `others` rate that number. */
  groups?: { count: number; kept: number; rated: number; others: number };
}

export interface ExpertsShape extends Choice {
  width: number;
  count: number;
  /** Name of the router's weight. */
  router: string;
  /** Whether the router has a bias. */
  routerBias?: boolean;
  /** Shares are what an expert's rows are multiplied by, instead of what it makes of them. */
  weighsInput?: boolean;
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
export function chosenShares(build: Build, scores: Value, choice: Choice): Value {
  const { graph } = build;
  return graph.withPrecision('float32', () => sharesOf(build, graph.cast(scores, 'float32'), choice));
}

/** Keeps a sum of shares that are all 0 from dividing. */
const NOTHING = 1e-20;

function sharesOf(build: Build, scores: Value, choice: Choice): Value {
  const { graph } = build;
  const { chosen, normalise, sigmoid = false, bias, gain = 1, groups } = choice;
  const last = { attributes: { axis: -1 } };
  const probabilities = sigmoid ? graph.node('Sigmoid', [scores]) : graph.node('Softmax', [scores], last);
  const biased =
    bias === undefined
      ? probabilities
      : graph.node('Add', [probabilities, build.weight(bias.name, [bias.count])]);
  const rated = groups === undefined ? biased : ofBestGroups(build, biased, groups);
  const [best, which] = largest(build, rated, chosen);
  const top =
    bias === undefined
      ? best
      : graph.node('GatherElements', [probabilities, which], { attributes: { axis: 1 } });
  const sum = graph.node('ReduceSum', [top, graph.int64s([-1])], { attributes: { keepdims: 1 } });
  const whole = sigmoid ? graph.node('Add', [sum, graph.scalar(NOTHING)]) : sum;
  const shares = normalise ? graph.node('Div', [top, whole]) : top;
  const raised = gain === 1 ? shares : graph.node('Mul', [shares, graph.scalar(gain)]);
  return graph.node('ScatterElements', [zeros(build, probabilities), which, raised], {
    attributes: { axis: 1 },
  });
}

function largest({ graph }: Build, x: Value, count: number): [values: Value, places: Value] {
  return graph.nodes('TopK', [x, graph.int64s([count])], { outputs: 2, attributes: { axis: -1 } }) as [
    Value,
    Value,
  ];
}

/** Ratings [N, experts] with those of other groups than the best replaced. */
function ofBestGroups(
  build: Build,
  ratings: Value,
  { count, kept, rated, others }: NonNullable<Choice['groups']>,
): Value {
  const { graph } = build;
  const byGroup = graph.node('Reshape', [ratings, graph.int64s([0, count, -1])]);
  const [best] = largest(build, byGroup, rated);
  const sums = graph.node('ReduceSum', [best, graph.int64s([-1])], { attributes: { keepdims: 0 } });
  const [top, which] = largest(build, sums, kept);
  const ones = graph.node('Expand', [graph.scalar(1), graph.node('Shape', [top])]);
  const marked = graph.node('ScatterElements', [zeros(build, sums), which, ones], {
    attributes: { axis: 1 },
  });
  const isKept = graph.node('Greater', [
    graph.node('Unsqueeze', [marked, graph.int64s([-1])]),
    graph.scalar(0.5),
  ]);
  const left = graph.node('Where', [isKept, byGroup, graph.scalar(others)]);
  return graph.node('Reshape', [left, graph.node('Shape', [ratings])]);
}

/** What the experts make of x [N, width], by their shares [N, count]: an expert sees the tokens of which it has a share. */
export function mixture(
  build: Build,
  x: Value,
  shares: Value,
  { count, expert, weighsInput = false }: Pick<ExpertsShape, 'count' | 'expert' | 'weighsInput'>,
): Value {
  const { graph } = build;
  let mixed = graph.withPrecision('float32', () => zeros(build, x));
  for (let index = 0; index < count; index++) {
    const weight = graph.node('Gather', [shares, graph.int64s([index])], { attributes: { axis: 1 } });
    const flat = graph.node('Reshape', [weight, graph.int64s([-1])]);
    const rows = graph.node('Transpose', [graph.node('NonZero', [flat])]);
    const own = graph.node('GatherND', [weight, rows]);
    const given = graph.node('GatherND', [x, rows]);
    const weighted = weighsInput
      ? graph.cast(expert(graph.node('Mul', [given, graph.cast(own, graph.precision)]), index), 'float32')
      : graph.node('Mul', [graph.cast(expert(given, index), 'float32'), own]);
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
  return build.graph.node('Mul', [shared, sigmoid(build, gate)]);
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
