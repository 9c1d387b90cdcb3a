import type { Value } from '../../onnx/graph.ts';
import type { Build } from '../build.ts';

/** A norm over the last axis of x [N, width], its parameters stored under `name`. */
export type Norm = (build: Build, x: Value, name: string, width: number) => Value;

/** Root-mean-square norm (Zhang and Sennrich 2019). */
export function rmsNorm(epsilon: number): Norm {
  return (build, x, name, width) => scaledRms(build, x, build.weight(`${name}.weight`, [width]), epsilon);
}

/** Root-mean-square norm whose weight is stored as its difference from 1 (Gemma). */
export function shiftedRmsNorm(epsilon: number): Norm {
  return (build, x, name, width) => {
    const weight = build.graph.node('Add', [build.weight(`${name}.weight`, [width]), build.graph.scalar(1)]);
    return scaledRms(build, x, weight, epsilon);
  };
}

/** Mean and variance removed, then weight and bias (Ba et al. 2016). */
export function layerNorm(epsilon: number): Norm {
  return (build, x, name, width) =>
    build.graph.node(
      'LayerNormalization',
      [x, build.weight(`${name}.weight`, [width]), build.weight(`${name}.bias`, [width])],
      { attributes: { axis: -1, epsilon: { float: epsilon } } },
    );
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
