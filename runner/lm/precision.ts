/** What a language model is computed in. */
import type { Device } from '../onnx/devices.ts';
import { providerOf } from '../onnx/devices.ts';
import type { Checkpoint } from './checkpoint.ts';

export const precisionChoices = ['auto', 'float32', 'bfloat16'] as const;

export type PrecisionChoice = (typeof precisionChoices)[number];

/** auto: the type that the weights are stored in, if every device computes in it, as CUDA does in bfloat16; else float32. */
export function choosePrecision(
  choice: PrecisionChoice,
  devices: readonly Device[],
  checkpoint: Pick<Checkpoint, 'tensors'>,
): Exclude<PrecisionChoice, 'auto'> {
  if (choice !== 'auto') return choice;
  const computed = devices.every((device) => providerOf(device) === 'cuda');
  return computed && storedType(checkpoint) === 'BF16' ? 'bfloat16' : 'float32';
}

/** Number type that most of the weights are stored in, as the checkpoint names it. */
export function storedType({ tensors }: Pick<Checkpoint, 'tensors'>): string {
  const bytes = new Map<string, number>();
  for (const { dtype, start, end } of tensors.values())
    bytes.set(dtype, (bytes.get(dtype) ?? 0) + end - start);
  return [...bytes].sort((a, b) => b[1] - a[1])[0]?.[0] ?? 'none';
}
