/**
 * Arrays of the host whose numbers lie on a device as well: a session there that is given such an array need not copy it over again.
 * To remember one is to promise that the array is not changed while the tensor lives.
 */
import type { Device } from './devices.ts';
import type { HeldTensor } from './held-tensor.ts';
import type { HostTensor } from './tensors.ts';

interface Copy {
  /** Where in the buffer its numbers lie, in bytes. */
  from: number;
  to: number;
  tensor: HeldTensor;
}

/** A buffer is given away when its numbers have been read (output-memory.ts), and is another one after that. */
const known = new WeakMap<ArrayBufferLike, Copy[]>();

/** @param data the tensor's numbers, in their order */
export function rememberCopy(data: HostTensor['data'], tensor: HeldTensor): void {
  if (tensor.device === 'cpu') return;
  const { buffer, byteOffset: from, byteLength } = data;
  const others = (known.get(buffer) ?? []).filter((each) => !each.tensor.released);
  known.set(buffer, [...others, { from, to: from + byteLength, tensor }]);
}

/**
 * The tensor on a device that holds an array's numbers, and which of its numbers is the array's first; undefined where none does.
 */
export function copyOf(
  { data, type }: HostTensor,
  device: Device,
): { tensor: HeldTensor; from: number } | undefined {
  const { buffer, byteOffset, byteLength, BYTES_PER_ELEMENT: size } = data;
  const found = known
    .get(buffer)
    ?.find(
      ({ from, to, tensor }) =>
        from <= byteOffset && byteOffset + byteLength <= to && !tensor.released && tensor.device === device,
    );
  if (found === undefined || byteLength === 0) return undefined;
  const from = (byteOffset - found.from) / size;
  return Number.isInteger(from) && found.tensor.description().elements === type
    ? { tensor: found.tensor, from }
    : undefined;
}
