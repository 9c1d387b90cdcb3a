import type { Value } from '../../onnx/graph.ts';
import type { Build } from '../build.ts';
import { linear } from './linear.ts';
import type { ScaledNorm } from './norm.ts';

/** A head of a norm and one linear map: `norm` and `weight` name where their tensors lie. */
export function normedHead(
  norm: ScaledNorm,
  names: { norm: string; weight: string },
  { width, vocabulary }: { width: number; vocabulary: number },
): Record<'head' | 'readout', (build: Build, x: Value) => Value> {
  const shape = { from: width, to: vocabulary };
  return {
    head: (build, residual) => linear(build, norm(build, residual, names.norm, width), names.weight, shape),
    readout: (build, directions) =>
      linear(build, norm.scaled(build, directions, names.norm, width), names.weight, shape),
  };
}
