import type { Value } from '../../onnx/graph.ts';
import type { Build } from '../build.ts';
import { linear } from './linear.ts';
import type { ScaledNorm } from './norm.ts';

/**
 * A head of a norm and one linear map: `norm` and `weight` name where their tensors lie, `bias` where that of the map
 * does, if it has one.
 */
export function normedHead(
  norm: ScaledNorm,
  names: { norm: string; weight: string; bias?: string },
  { width, vocabulary }: { width: number; vocabulary: number },
): Record<'head' | 'readout', (build: Build, x: Value) => Value> {
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
