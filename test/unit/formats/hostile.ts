/** What tests of readers of foreign files share: archives and pickles written by hand, mutations, a strict source. */
import { crc32, deflateRawSync } from 'node:zlib';
import type { ByteSource } from '../../../runner/io/byte-source.ts';
import type { Random } from '../../../runner/math/random.ts';

/** A source that fails the test when a reader asks for bytes outside the file. */
export function strictSource(bytes: Uint8Array, name = 'hostile'): ByteSource {
  return {
    name,
    byteLength: bytes.length,
    async slice(start, end) {
      if (!(start >= 0 && start <= end && end <= bytes.length)) {
        throw new Error(`read of ${start}..${end} in a file of ${bytes.length} bytes`);
      }
      return bytes.slice(start, end);
    },
  };
}

export interface ZipPart {
  name: string;
  bytes: Uint8Array;
  deflate?: boolean;
  /** Declared length, when it is to be another than the true one. */
  claim?: number;
}

export function zipOf(parts: readonly ZipPart[]): Uint8Array {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, bytes, deflate = false, claim = bytes.length } of parts) {
    const packed = deflate ? deflateRawSync(bytes) : bytes;
    const named = Buffer.from(name);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(named.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(deflate ? 8 : 0, 10);
    entry.writeUInt32LE(crc32(bytes), 16);
    entry.writeUInt32LE(packed.length, 20);
    entry.writeUInt32LE(claim, 24);
    entry.writeUInt16LE(named.length, 28);
    entry.writeUInt32LE(offset, 42);
    locals.push(local, named, Buffer.from(packed));
    directory.push(entry, named);
    offset += 30 + named.length + packed.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(parts.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, central, end]);
}

/** A torch file around a pickle given as text of single bytes (latin-1). */
export function torchOf(pickle: string | Uint8Array, storages: Record<string, Uint8Array> = {}): Uint8Array {
  const bytes = typeof pickle === 'string' ? Buffer.from(pickle, 'latin1') : pickle;
  return zipOf([
    { name: 'archive/data.pkl', bytes },
    ...Object.entries(storages).map(([key, data]) => ({ name: `archive/data/${key}`, bytes: data })),
  ]);
}

const extremes = [0, 1, 0x7f, 0x80, 0xff];

/** One to four random changes: bytes, runs, cuts, repeats. */
export function mutated(original: Uint8Array, stream: Random): Uint8Array {
  let bytes = Uint8Array.from(original);
  const below = (limit: number): number => stream.integer(limit);
  for (let change = below(4); change >= 0; change--) {
    const at = below(bytes.length);
    switch (below(6)) {
      case 0:
        bytes[at] = below(256);
        break;
      case 1:
        bytes[at] = extremes[below(extremes.length)]!;
        break;
      case 2:
        bytes.fill(extremes[below(extremes.length)]!, at, at + 1 + below(8));
        break;
      case 3:
        bytes = bytes.slice(0, at + 1);
        break;
      case 4: {
        const piece = bytes.slice(at, at + 1 + below(40));
        bytes = Uint8Array.from(Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]));
        break;
      }
      default:
        bytes = Uint8Array.from(Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + below(8))]));
    }
    if (bytes.length === 0) return bytes;
  }
  return bytes;
}
