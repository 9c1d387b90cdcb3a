/**
 * Brings arrays of the host to a card before a run. BindInput would copy them too, but into memory that onnxruntime's arena sets apart for
 * the thread that binds: runs in other threads cannot have it back, and what they take in its place is asked for anew, until the card is full.
 */
import { elementTypes } from '../../graph.ts';
import type { HostTensor } from '../../tensors.ts';
import type { Pointer } from './functions.ts';
import type { Library } from './library.ts';
import type { Memory } from './session-options.ts';

export interface Carrier {
  /** The array on the card, as a value to be released; null for an input that the program reads on the host. */
  carry(name: string, tensor: HostTensor): Pointer | null;
  close(): void;
}

/** @param inputs names of the program's, in their order */
export function openCarrier(
  library: Library,
  session: Pointer,
  card: Memory,
  inputs: readonly string[],
): Carrier {
  const { api, check, made } = library;
  const infos = new BigUint64Array(inputs.length);
  check(api.SessionGetMemoryInfoForInputs(session, infos, inputs.length));
  const kind = new Int32Array(1);
  const there = new Set(
    inputs.filter((_, i) => {
      api.MemoryInfoGetDeviceType(infos[i]!, kind);
      return kind[0] !== 0;
    }),
  );
  const allocator = made((out) => api.CreateAllocator(session, card.info, out));

  return {
    carry(name, { type, data, dims }) {
      if (!there.has(name) || data.byteLength === 0) return null;
      const shape = BigInt64Array.from(dims, BigInt);
      const value = made((out) =>
        api.CreateTensorAsOrtValue(allocator, shape, dims.length, elementTypes[type], out),
      );
      try {
        const to = made((out) => api.GetTensorMutableData(value, out));
        library.copyToCard(to, data, data.byteLength);
        return value;
      } catch (error) {
        api.ReleaseValue(value);
        throw error;
      }
    },
    close: () => api.ReleaseAllocator(allocator),
  };
}
