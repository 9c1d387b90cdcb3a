import type { Value } from '../../onnx/graph.ts';
import type { Build } from '../build.ts';
import { linear } from './linear.ts';
import type { ScaledNorm } from './norm.ts';

type Head = Record<'head' | 'readout', (build: Build, x: Value) => Value>;

/** The same with logits times a factor. */
export function scaledHead({ head, readout }: Head, factor: number): Head {
  const scaled =
    (part: Head['head']): Head['head'] =>
    (build, x) =>
      build.graph.node('Mul', [part(build, x), build.graph.scalar(factor)]);
  return { head: scaled(head), readout: scaled(readout) };
}

/**
 * A head of a norm and one linear map: `norm` and `weight` name where their tensors lie, `bias` where that of the map
 * does, if it has one.
 */
export function normedHead(
  norm: ScaledNorm,
  names: { norm: string; weight: string; bias?: string },
  { width, vocabulary }: { width: number; vocabulary: number },
): Head {
  const shape = { from: width, to: vocabulary };
  return {
    head(build, residual) {
      const logits = linear(build, norm(build, residual, names.norm, width), names.weight, shape);
      if (names.bias === undefined) return logits;
      return build.graph.node('Add', [logits, build.weight(`${names.bias}.bias`, [vocabulary])]);
    },
    readout: (build, directions) =>
      linear(build, norm.scaled(build, directions, names.norm, width), names.weight, shape),
  };
}
