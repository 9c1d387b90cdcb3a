import { describe, expect, it } from 'vitest';
import { plainSettings } from '../../../runner/onnx/binding/binding.ts';
import { type Carrier, openCarrier } from '../../../runner/onnx/binding/c-api/carry.ts';
import { type Library, loadLibrary } from '../../../runner/onnx/binding/c-api/library.ts';
import { memoryOf, sessionOptions } from '../../../runner/onnx/binding/c-api/session-options.ts';
import { elementTypes, Graph } from '../../../runner/onnx/graph.ts';
import { float32, int32 } from '../../../runner/onnx/tensors.ts';

const [SESSION, CARD, ALLOCATOR, VALUE, ADDRESS] = [1n, 2n, 3n, 4n, 5n];
/** A memory info of the stand-in says by its address where it is: 0 the host, 1 a card. */
const places = { ids: 1n, rowsAndTokens: 0n };

/** A library of which it is noted what it is asked for. */
function standIn(copyToCard: Library['copyToCard'] = () => undefined) {
  const said: string[] = [];
  const out = (at: BigUint64Array, value: bigint): null => {
    at[0] = value;
    return null;
  };
  const api = {
    SessionGetMemoryInfoForInputs(_: bigint, into: BigUint64Array, count: number) {
      into.set(Object.values(places));
      said.push(`places of ${count}`);
      return null;
    },
    MemoryInfoGetDeviceType(info: bigint, into: Int32Array) {
      into[0] = Number(info);
    },
    CreateAllocator: (_: bigint, info: bigint, at: BigUint64Array) => {
      said.push(`allocator of ${info}`);
      return out(at, ALLOCATOR);
    },
    ReleaseAllocator: (allocator: bigint) => said.push(`released ${allocator}`),
    CreateTensorAsOrtValue(_: bigint, dims: BigInt64Array, rank: number, type: number, at: BigUint64Array) {
      said.push(`tensor [${dims}] of ${rank} axes, type ${type}`);
      return out(at, VALUE);
    },
    GetTensorMutableData: (value: bigint, at: BigUint64Array) => {
      said.push(`address of ${value}`);
      return out(at, ADDRESS);
    },
    ReleaseValue: (value: bigint) => said.push(`released ${value}`),
  };
  const library = {
    api,
    check: () => undefined,
    made(make: (at: BigUint64Array) => unknown) {
      const at = new BigUint64Array(1);
      make(at);
      return at[0];
    },
    copyToCard,
  };
  const card = { device: 'cuda:1' as const, info: CARD };
  const open = (): Carrier => openCarrier(library as unknown as Library, SESSION, card, Object.keys(places));
  return { open, said };
}

const ids = int32(Int32Array.of(7, 8, 9, 10), [2, 2]);

describe('arrays that a run on a card is given', () => {
  it('are copied to memory of the session’s allocator, those that the program reads there', () => {
    const copied: unknown[] = [];
    const { open, said } = standIn((...given) => copied.push(given));
    const carrier = open();
    expect(carrier.carry('ids', ids)).toBe(VALUE);
    expect(copied).toEqual([[ADDRESS, ids.data, 16]]);
    expect(said).toEqual(['places of 2', 'allocator of 2', 'tensor [2,2] of 2 axes, type 6', 'address of 4']);
    carrier.close();
    expect(said.at(-1)).toBe('released 3');
  });

  it('are lent as they are where the program reads them on the host, or where there is nothing to copy', () => {
    const { open, said } = standIn(() => {
      throw new Error('copied');
    });
    const carrier = open();
    const before = said.length;
    expect(carrier.carry('rowsAndTokens', int32(Int32Array.of(2, 2), [2]))).toBeNull();
    expect(carrier.carry('ids', float32(new Float32Array(0), [0, 2]))).toBeNull();
    expect(said).toHaveLength(before);
  });

  it('leave nothing on the card when CUDA refuses the copy', () => {
    const { open, said } = standIn(() => {
      throw new Error('CUDA error 700');
    });
    expect(() => open().carry('ids', ids)).toThrow('CUDA error 700');
    expect(said.at(-1)).toBe('released 4');
  });
});

const tried = `${process.platform}-${process.arch}` === 'linux-x64';
if (!tried) console.info('the C API is tried on Linux x64 alone');

it.skipIf(!tried)('the functions that do it are where they are looked for', async () => {
  const graph = new Graph();
  const names = ['a', 'b', 'c'];
  const [a, b, c] = names.map((name) => graph.input(name, 'float32', ['n']));
  graph.output(graph.node('Add', [graph.node('Add', [a!, b!]), c!]), 'y', 'float32', ['n']);
  const { bytes } = graph.program();

  const library = await loadLibrary();
  const { api, check, made, environment } = library;
  const options = sessionOptions(library, plainSettings);
  const session = made((out) => api.CreateSessionFromArray(environment, bytes, bytes.length, options, out));
  const host = memoryOf(library, 'cpu');
  const allocator = made((out) => api.CreateAllocator(session, host.info, out));
  try {
    // One for each input, where the program has one output.
    const infos = new BigUint64Array(names.length);
    check(api.SessionGetMemoryInfoForInputs(session, infos, names.length));
    const kinds = Array.from(infos, (info) => {
      expect(info).not.toBe(0n);
      const kind = Int32Array.of(7);
      api.MemoryInfoGetDeviceType(info, kind);
      return kind[0];
    });
    expect(kinds).toEqual([0, 0, 0]);
    expect(() => check(api.SessionGetMemoryInfoForInputs(session, infos, 2))).toThrow();

    const value = made((out) =>
      api.CreateTensorAsOrtValue(allocator, BigInt64Array.of(2n, 3n), 2, elementTypes.float32, out),
    );
    const [type, shape, rank] = [new Int32Array(1), new BigUint64Array(1), new BigUint64Array(1)];
    check(api.GetTensorElementTypeAndShapeDataReference(value, type, shape, rank));
    expect([type[0], rank[0]]).toEqual([elementTypes.float32, 2n]);
    api.ReleaseValue(value);
  } finally {
    api.ReleaseAllocator(allocator);
    api.ReleaseSession(session);
    api.ReleaseSessionOptions(options);
  }
});
