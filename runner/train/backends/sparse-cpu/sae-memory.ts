/** The state of one SAE in shared memory: rows padded, W_enc transposed. */
import { type TensorName, tensorLength, tensorNames } from '../../../sae/sae.ts';
import type { OptimiserState, Parameters } from '../../state.ts';
import type { Layout } from './layout.ts';

const parts = ['parameters', 'firstMoments', 'secondMoments'] as const;

export function writeState(memory: WebAssembly.Memory, layout: Layout, state: OptimiserState): void {
  parts.forEach((part, i) => {
    for (const name of tensorNames) {
      const { place, halves } = view(memory, layout, name, i);
      writeTensor(place, layout, name, state[part][name]!);
      if (halves !== null) pack(place, halves);
    }
  });
}

/** A copy. */
export function readState(memory: WebAssembly.Memory, layout: Layout, updates: number): OptimiserState {
  const read = (name: TensorName, i: number): Float32Array =>
    readTensor(view(memory, layout, name, i).place, layout, name);
  const [parameters, firstMoments, secondMoments] = parts.map((_, i) =>
    Object.fromEntries(tensorNames.map((name) => [name, read(name, i)])),
  ) as [Parameters, Parameters, Parameters];
  return { parameters, firstMoments, secondMoments, updates };
}

/**
 * @param part 0 the tensor, 1 and 2 its moments
 * @returns `place`, the numbers where they lie; of moments in bfloat16 a copy in float32, and where they lie as `halves`, into which a
 * changed copy must be packed
 */
function view(
  memory: WebAssembly.Memory,
  { parameters, strides, momentStrides }: Layout,
  name: TensorName,
  part: number,
): { place: Float32Array; halves: Uint16Array | null } {
  const [stride, moments] = [strides[name], momentStrides[name]];
  const at = parameters[name] + (part === 0 ? 0 : stride + (part - 1) * moments);
  if (part === 0 || moments === stride)
    return { place: new Float32Array(memory.buffer, at, stride / 4), halves: null };
  const halves = new Uint16Array(memory.buffer, at, moments / 2);
  const place = new Float32Array(halves.length);
  const bits = new Uint32Array(place.buffer);
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16;
  return { place, halves };
}

/** @param from values that bfloat16 has exactly: zeros of a new state, or moments that were kept in it */
function pack(from: Float32Array, to: Uint16Array): void {
  const bits = new Uint32Array(from.buffer);
  for (let i = 0; i < to.length; i++) to[i] = bits[i]! >>> 16;
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
