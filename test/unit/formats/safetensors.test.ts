import peer from 'safetensors';
import { describe, expect, it } from 'vitest';
import { MalformedError } from '../../../runner/errors.ts';
import { encodeSafetensors, readFloats, readSafetensors } from '../../../runner/formats/safetensors.ts';
import { type ByteSource, memorySource } from '../../../runner/io/byte-source.ts';

/** A file with that header and that many bytes of data. */
function file(header: unknown, dataBytes: number, lead?: number): ByteSource {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = Buffer.alloc(8 + json.length + dataBytes);
  bytes.writeBigUInt64LE(BigInt(lead ?? json.length));
  json.copy(bytes, 8);
  return memorySource('test.safetensors', bytes);
}

const weight = { dtype: 'F32', shape: [2, 3], data_offsets: [0, 24] };

async function complaint(source: ByteSource): Promise<string> {
  const error = await readSafetensors(source).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(MalformedError);
  return (error as MalformedError).message;
}

describe('readSafetensors', () => {
  it('reads what encodeSafetensors writes, values and metadata', async () => {
    const data = Float32Array.from([1, -2, 3.5, 0, 1e-20, 7]);
    const steps = Int32Array.from([4, 5]);
    const bytes = Buffer.concat(
      encodeSafetensors(
        { W: { dtype: 'F32', shape: [2, 3], data }, steps: { dtype: 'I32', shape: [2], data: steps } },
        { format: 'pt' },
      ),
    );
    const source = memorySource('w', bytes);
    const header = await readSafetensors(source);
    expect(header.metadata).toEqual({ format: 'pt' });
    expect(header.tensors.get('W')?.shape).toEqual([2, 3]);
    expect(await readFloats(source, header, 'W', [2, -1])).toEqual(data);
    expect((header.tensors.get('W')?.start ?? 1) % 8).toBe(0);
  });

  it('costs two reads for the header and one for a tensor', async () => {
    const inner = file({ weight }, 24);
    const reads: [number, number][] = [];
    const counting: ByteSource = {
      ...inner,
      slice: (start, end) => {
        reads.push([start, end]);
        return inner.slice(start, end);
      },
    };
    const header = await readSafetensors(counting);
    await readFloats(counting, header, 'weight');
    expect(reads).toHaveLength(3);
  });

  it('is read by the safetensors package alike', async () => {
    const data = Float32Array.from([3, 1, 4, 1, 5]);
    const bytes = Uint8Array.from(
      Buffer.concat(encodeSafetensors({ pi: { dtype: 'F32', shape: [5], data } })),
    );
    const found = new peer.SafeTensor(bytes).getTensor('pi');
    expect(new Float32Array(found.slice().buffer)).toEqual(data);
  });

  it.each([
    ['a file of 3 bytes', memorySource('test.safetensors', new Uint8Array(3)), 'found 3 bytes'],
    ['a header longer than the file', file({ weight }, 24, 5_000), 'a header of 5000 bytes in a file of'],
    ['a header over the limit', file({ weight }, 24, 2 ** 40), 'expected at most 100000000'],
    ['a header that is not JSON', file('{"weight": ', 24), 'not JSON'],
    ['a header that is a list', file([], 0), 'not a JSON object'],
    ['a truncated file', file({ weight }, 20), 'this one is cut short'],
    [
      'a lying span',
      file({ weight: { ...weight, data_offsets: [0, 20] } }, 24),
      'with 20 bytes; expected 24 bytes',
    ],
    ['an unknown type', file({ weight: { ...weight, dtype: 'F31' } }, 24), 'dtype'],
    ['a negative size', file({ weight: { ...weight, shape: [-2, -3] } }, 24), 'shape'],
    [
      'sizes whose product overflows',
      file({ weight: { ...weight, shape: [2 ** 40, 2 ** 40] } }, 24),
      'expected',
    ],
    ['overlapping tensors', file({ a: weight, b: weight }, 24), 'right after the one before it'],
    ['a gap', file({ weight: { ...weight, data_offsets: [8, 32] } }, 32), 'right after the one before it'],
    ['trailing bytes', file({ weight }, 30), '6 bytes after the last tensor'],
    ['metadata that is not text', file({ __metadata__: { a: 1 }, weight }, 24), '__metadata__'],
  ])('refuses %s in one line', async (_name, source, expected) => {
    const message = await complaint(source);
    expect(message).toContain(expected);
    expect(message).not.toContain('\n');
  });

  it('keeps a tensor named __proto__ a tensor', async () => {
    const header = await readSafetensors(
      file('{"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', 1),
    );
    expect([...header.tensors.keys()]).toEqual(['__proto__']);
  });

  it('names a missing tensor and a wrong shape', async () => {
    const source = file({ weight }, 24);
    const header = await readSafetensors(source);
    await expect(readFloats(source, header, 'W_enc')).rejects.toThrow(/no tensor "W_enc".*"weight"/);
    await expect(readFloats(source, header, 'weight', [3, 2])).rejects.toThrow(
      /shape \[2, 3\]; expected \[3, 2\]/,
    );
  });
});
