import type { Value } from '../../onnx/graph.ts';
import type { Build } from '../build.ts';

/** A norm over the last axis of x [N, width], its parameters stored under `name`. */
export type Norm = (build: Build, x: Value, name: string, width: number) => Value;

/** A norm of which it is known what it does to a direction: what is left of it where the size it divides by is held at 1. */
export interface ScaledNorm extends Norm {
  scaled: Norm;
}

type Weight = (build: Build, name: string, width: number) => Value;

function rms(epsilon: number, weight: Weight): ScaledNorm {
  const norm: Norm = (build, x, name, width) =>
    build.graph.inFloat32([x], (wide) => scaledRms(build, wide, weight(build, name, width), epsilon));
  const scaled: Norm = (build, x, name, width) => build.graph.node('Mul', [x, weight(build, name, width)]);
  return Object.assign(norm, { scaled });
}

const stored: Weight = (build, name, width) => build.weight(`${name}.weight`, [width]);

/** Root-mean-square norm (Zhang and Sennrich 2019). */
export function rmsNorm(epsilon: number): ScaledNorm {
  return rms(epsilon, stored);
}

/** Root-mean-square norm without parameters. */
export function bareRmsNorm(epsilon: number): ScaledNorm {
  return rms(epsilon, ({ graph }, _, width) => graph.floats(new Float32Array(width).fill(1), [width]));
}

/** Root-mean-square norm whose weight is stored as its difference from 1 (Gemma). */
export function shiftedRmsNorm(epsilon: number): ScaledNorm {
  return rms(epsilon, (build, name, width) =>
    build.graph.node('Add', [stored(build, name, width), build.graph.scalar(1)]),
  );
}

/** Mean and variance removed, then weight and bias (Ba et al. 2016). */
export function layerNorm(epsilon: number): ScaledNorm {
  const norm: Norm = (build, x, name, width) =>
    build.graph.node(
      'LayerNormalization',
      [x, stored(build, name, width), build.weight(`${name}.bias`, [width])],
      { attributes: { axis: -1, epsilon: { float: epsilon } } },
    );
  const scaled: Norm = (build, x, name, width) =>
    build.graph.node('Mul', [centred(build, x), stored(build, name, width)]);
  return Object.assign(norm, { scaled });
}

/** Mean and variance removed, then a weight (Cohere). */
export function weightedLayerNorm(epsilon: number): ScaledNorm {
  const scaled: Norm = (build, x, name, width) =>
    build.graph.node('Mul', [centred(build, x), stored(build, name, width)]);
  const norm: Norm = (build, x, name, width) =>
    build.graph.node('LayerNormalization', [x, stored(build, name, width)], {
      attributes: { axis: -1, epsilon: { float: epsilon } },
    });
  return Object.assign(norm, { scaled });
}

/** Mean and variance removed, and nothing else: a layer norm without parameters (OLMo). */
export function bareLayerNorm(epsilon: number): ScaledNorm {
  const norm: Norm = ({ graph }, x, _, width) =>
    graph.node('LayerNormalization', [x, graph.floats(new Float32Array(width).fill(1), [width])], {
      attributes: { axis: -1, epsilon: { float: epsilon } },
    });
  return Object.assign(norm, { scaled: (build: Build, x: Value) => centred(build, x) });
}

function centred({ graph }: Build, x: Value): Value {
  const mean = graph.node('ReduceMean', [x, graph.int64s([-1])], { attributes: { keepdims: 1 } });
  return graph.node('Sub', [x, mean]);
}

/** Every head normed on its own by one weight of the head's size: x [N, heads·headSize]. */
export function headNorm(norm: Norm, headSize: number): Norm {
  return (build, x, name, width) => {
    const { graph } = build;
    const heads = graph.node('Reshape', [x, graph.int64s([-1, headSize])]);
    return graph.node('Reshape', [norm(build, heads, name, headSize), graph.int64s([-1, width])]);
  };
}

/** weight·x / √(mean(x²) + ε) over the last axis. */
export function scaledRms(build: Build, x: Value, weight: Value, epsilon: number): Value {
  return build.graph.node('SimplifiedLayerNormalization', [x, weight], {
    attributes: { axis: -1, epsilon: { float: epsilon }, stash_type: 1 },
  });
}
