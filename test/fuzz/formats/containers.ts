/** safetensors, torch files and npz archives. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseNpy, readNpz } from '../../../runner/formats/npy.ts';
import { readFloats, readSafetensors } from '../../../runner/formats/safetensors.ts';
import { readTorchFile, TorchTensor, type TorchValue } from '../../../runner/formats/torch-file.ts';
import { readMember, readZip } from '../../../runner/formats/zip.ts';
import type { ByteSource } from '../../../runner/io/byte-source.ts';
import { mutated, strictSource, zipOf } from '../../unit/formats/hostile.ts';
import { type FuzzFormat, pick } from '../format.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/sae/', import.meta.url));
const fixture = (path: string): Uint8Array => Uint8Array.from(readFileSync(`${fixtures}${path}`));

export const safetensors: FuzzFormat = {
  name: 'safetensors',
  async prepare() {
    const file = Buffer.from(fixture('sparsify/sae/sae.safetensors'));
    const length = Number(file.readBigUInt64LE(0));
    const read = async (source: ByteSource): Promise<void> => {
      const found = await readSafetensors(source);
      for (const name of found.tensors.keys()) await readFloats(source, found, name);
    };
    return (stream) => {
      if (stream.integer(2) === 0) return read(strictSource(mutated(file, stream)));
      const header = mutated(file.subarray(8, 8 + length), stream);
      const lead = Buffer.alloc(8);
      lead.writeBigUInt64LE(BigInt(header.length));
      return read(strictSource(Buffer.concat([lead, header, file.subarray(8 + length)])));
    };
  },
};

/** Members of an archive, so that what is damaged keeps a right CRC-32 around it. */
async function membersOf(bytes: Uint8Array): Promise<Map<string, Uint8Array>> {
  const source = strictSource(bytes);
  const { members } = await readZip(source);
  const found = new Map<string, Uint8Array>();
  for (const [name, member] of members) found.set(name, await readMember(source, member));
  return found;
}

export const torch: FuzzFormat = {
  name: 'torch',
  async prepare() {
    const file = fixture('dictionary-learning/MatryoshkaBatchTopKSAE/ae.pt');
    const members = await membersOf(file);
    const read = async (source: ByteSource): Promise<void> => {
      const found = await readTorchFile(source);
      const values: TorchValue[] = found.value instanceof Map ? [...found.value.values()] : [];
      for (const value of values)
        if (value instanceof TorchTensor && value.dtype === 'F32') await found.floats(value);
    };
    return (stream) => {
      if (stream.integer(4) === 0) return read(strictSource(mutated(file, stream)));
      const parts = [...members].map(([name, bytes]) => ({
        name,
        bytes: name.endsWith('/data.pkl') ? mutated(bytes, stream) : bytes,
      }));
      return read(strictSource(zipOf(parts)));
    };
  },
};

export const npz: FuzzFormat = {
  name: 'npz',
  async prepare() {
    const file = fixture('gemma-scope/compressed/params.npz');
    const start = new DataView(file.buffer).getUint32(file.length - 6, true);
    const arrays = [...(await membersOf(file)).values()];
    return async (stream) => {
      switch (stream.integer(3)) {
        case 0:
          await readNpz(strictSource(mutated(file, stream)));
          break;
        case 1:
          await readNpz(
            strictSource(Buffer.concat([file.subarray(0, start), mutated(file.subarray(start), stream)])),
          );
          break;
        default: {
          const array = pick(stream, arrays);
          const header = mutated(array.subarray(0, 128), stream);
          await parseNpy('array', Buffer.concat([header, array.subarray(128)]));
        }
      }
    };
  },
};
