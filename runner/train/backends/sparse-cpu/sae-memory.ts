/** The state of one SAE in shared memory: rows padded, W_enc transposed. */
import { type TensorName, tensorLength, tensorNames } from '../../../sae/sae.ts';
import type { OptimiserState, Parameters } from '../../state.ts';
import type { Layout } from './layout.ts';

const parts = ['parameters', 'firstMoments', 'secondMoments'] as const;

export function writeState(memory: WebAssembly.Memory, layout: Layout, state: OptimiserState): void {
  parts.forEach((part, i) => {
    for (const name of tensorNames)
      writeTensor(view(memory, layout, name, i), layout, name, state[part][name]!);
  });
}

/** A copy. */
export function readState(memory: WebAssembly.Memory, layout: Layout, updates: number): OptimiserState {
  const read = (name: TensorName, i: number): Float32Array =>
    readTensor(view(memory, layout, name, i), layout, name);
  const [parameters, firstMoments, secondMoments] = parts.map((_, i) =>
    Object.fromEntries(tensorNames.map((name) => [name, read(name, i)])),
  ) as [Parameters, Parameters, Parameters];
  return { parameters, firstMoments, secondMoments, updates };
}

/** @param part 0 the tensor, 1 and 2 its moments */
function view(memory: WebAssembly.Memory, layout: Layout, name: TensorName, part: number): Float32Array {
  const stride = layout.strides[name];
  return new Float32Array(memory.buffer, layout.parameters[name] + part * stride, stride / 4);
}

function writeTensor(
  to: Float32Array,
  { latents, width, d_in }: Layout,
  name: TensorName,
  from: Float32Array,
) {
  switch (name) {
    case 'b_enc':
    case 'b_dec':
      to.set(from);
      return;
    case 'W_dec':
      copyRows(from, d_in, to, width, latents);
      return;
    case 'W_enc':
      for (let i = 0; i < d_in; i++) {
        for (let j = 0; j < latents; j++) to[j * width + i] = from[i * latents + j]!;
      }
      return;
    default:
      name satisfies never;
  }
}

function readTensor(from: Float32Array, { latents, width, d_in }: Layout, name: TensorName): Float32Array {
  const to = new Float32Array(tensorLength(name, { d_in, d_sae: latents }));
  switch (name) {
    case 'b_enc':
    case 'b_dec':
      to.set(from.subarray(0, to.length));
      return to;
    case 'W_dec':
      copyRows(from, width, to, d_in, latents);
      return to;
    case 'W_enc':
      for (let i = 0; i < d_in; i++) {
        for (let j = 0; j < latents; j++) to[i * latents + j] = from[j * width + i]!;
      }
      return to;
    default:
      return name satisfies never;
  }
}

/** Copies rows of `fromWidth` into rows of `toWidth`; what the longer has more stays as it is. */
export function copyRows(
  from: Float32Array,
  fromWidth: number,
  to: Float32Array,
  toWidth: number,
  rows: number,
): void {
  if (fromWidth === toWidth) {
    to.set(from.length === rows * fromWidth ? from : from.subarray(0, rows * fromWidth));
    return;
  }
  const shared = Math.min(fromWidth, toWidth);
  for (let r = 0; r < rows; r++) {
    to.set(from.subarray(r * fromWidth, r * fromWidth + shared), r * toWidth);
  }
}
