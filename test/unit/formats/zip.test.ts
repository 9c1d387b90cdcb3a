import { describe, expect, it } from 'vitest';
import { MalformedError } from '../../../runner/errors.ts';
import { parseNpy } from '../../../runner/formats/npy.ts';
import { memberPieces, readMember, readZip } from '../../../runner/formats/zip.ts';
import { strictSource, zipOf } from './hostile.ts';

const some = Buffer.from('some bytes, some bytes, some bytes');

async function complaint(bytes: Uint8Array): Promise<string> {
  const source = strictSource(bytes);
  const error = await readZip(source)
    .then(({ members }) => Promise.all([...members.values()].map((member) => readMember(source, member))))
    .catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(MalformedError);
  return (error as MalformedError).message;
}

function changed(bytes: Uint8Array, change: (view: DataView, directory: number) => void): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const view = new DataView(copy.buffer);
  change(view, view.getUint32(copy.length - 6, true));
  return copy;
}

describe('zip', () => {
  it('reads stored and deflated members', async () => {
    const source = strictSource(
      zipOf([
        { name: 'a', bytes: some },
        { name: 'b/c', bytes: some, deflate: true },
      ]),
    );
    const { members } = await readZip(source);
    for (const name of ['a', 'b/c']) {
      const pieces: Uint8Array[] = [];
      for await (const piece of memberPieces(source, members.get(name)!)) pieces.push(piece);
      expect(Buffer.concat(pieces).toString()).toBe(some.toString());
      expect(Buffer.from(await readMember(source, members.get(name)!)).toString()).toBe(some.toString());
    }
  });

  it('reads a member piece by piece, and refuses a damaged one at its end', async () => {
    const large = Buffer.alloc(3 << 20, 'some bytes');
    const all = async (bytes: Uint8Array): Promise<number> => {
      const source = strictSource(bytes);
      const [member] = (await readZip(source)).members.values();
      let length = 0;
      for await (const piece of memberPieces(source, member!)) length += piece.byteLength;
      return length;
    };
    const part = { name: 'a', bytes: large, deflate: true };
    expect(await all(zipOf([part]))).toBe(large.length);
    await expect(all(zipOf([{ ...part, claim: 1_000 }]))).rejects.toThrow('of more bytes');
    await expect(all(zipOf([{ ...part, claim: large.length + 1 }]))).rejects.toThrow(
      `of ${large.length} bytes`,
    );
    const stored = zipOf([{ name: 'a', bytes: some }]);
    await expect(all(changed(stored, (view) => view.setUint8(40, 0)))).rejects.toThrow('CRC-32');
    const broken = changed(zipOf([{ name: 'a', bytes: large, deflate: true }]), (view) => {
      for (let at = 31; at < 60; at++) view.setUint8(at, 255);
    });
    await expect(all(broken)).rejects.toThrow('does not inflate');
  });

  const plain = zipOf([
    { name: 'a', bytes: some },
    { name: 'b', bytes: some },
  ]);

  it('refuses bombs before inflating them', async () => {
    const bomb = zipOf([{ name: 'a', bytes: new Uint8Array(1 << 20), deflate: true, claim: 1 << 30 }]);
    expect(await complaint(bomb)).toMatch(/grows from \d+ to 1073741824 bytes; expected at most 67108864/);
    const lying = zipOf([{ name: 'a', bytes: new Uint8Array(1 << 20), deflate: true, claim: 1_000 }]);
    expect(await complaint(lying)).toContain('does not inflate');
    const short = zipOf([{ name: 'a', bytes: some, deflate: true, claim: 1_000 }]);
    expect(await complaint(short)).toContain(`of ${some.length} bytes`);
  });

  it.each<[string, Uint8Array, string]>([
    [
      'two members of one name',
      zipOf([
        { name: 'a', bytes: some },
        { name: 'a', bytes: some },
      ]),
      'two members "a"',
    ],
    [
      'members over each other',
      changed(plain, (view, at) => view.setUint32(at + 47 + 42, 0, true)),
      'inside the one before',
    ],
    [
      'a member beyond the directory',
      changed(plain, (view, at) => view.setUint32(at + 47 + 42, 120, true)),
      'beyond the directory',
    ],
    ['encryption', changed(plain, (view, at) => view.setUint16(at + 8, 1, true)), 'encrypted'],
    [
      'another compression',
      changed(plain, (view, at) => view.setUint16(at + 10, 14, true)),
      'compression 14',
    ],
    ['a changed byte', changed(plain, (view) => view.setUint8(40, 0)), 'CRC-32'],
    [
      'ZIP64 sizes that are not there',
      changed(plain, (view, at) => view.setUint32(at + 24, 0xffffffff, true)),
      'ZIP64',
    ],
    ['nothing', new Uint8Array(0), 'no end-of-directory'],
    ['a cut', plain.subarray(0, plain.length - 1), 'no end-of-directory'],
    [
      'too many members',
      changed(plain, (view) => view.setUint16(plain.length - 12, 20_000, true)),
      '20000 members',
    ],
  ])('refuses %s', async (_what, bytes, named) => {
    expect(await complaint(bytes)).toContain(named);
  });

  /** One member with its sizes, the directory with its place, in the 64-bit fields. */
  function zip64(change: (record: Buffer, extra: Buffer) => void = () => undefined): Uint8Array {
    const small = Buffer.from(zipOf([{ name: 'a', bytes: some }]));
    const start = small.readUInt32LE(small.length - 6);
    const entry = Buffer.from(small.subarray(start, start + 46));
    entry.fill(0xff, 20, 28);
    entry.fill(0xff, 42, 46);
    entry.writeUInt16LE(28, 30);
    const extra = Buffer.alloc(28);
    extra.writeUInt16LE(1, 0);
    extra.writeUInt16LE(24, 2);
    extra.writeBigUInt64LE(BigInt(some.length), 4);
    extra.writeBigUInt64LE(BigInt(some.length), 12);
    const record = Buffer.alloc(56);
    record.writeUInt32LE(0x06064b50, 0);
    record.writeBigUInt64LE(1n, 32);
    record.writeBigUInt64LE(75n, 40);
    record.writeBigUInt64LE(BigInt(start), 48);
    const locator = Buffer.alloc(20);
    locator.writeUInt32LE(0x07064b50, 0);
    locator.writeBigUInt64LE(BigInt(start + 75), 8);
    const end = Buffer.from(small.subarray(small.length - 22));
    end.fill(0xff, 8, 20);
    change(record, extra);
    return Buffer.concat([small.subarray(0, start), entry, Buffer.from('a'), extra, record, locator, end]);
  }

  it('reads the 64-bit form that large files have', async () => {
    const source = strictSource(zip64());
    const { members } = await readZip(source);
    expect(Buffer.from(await readMember(source, members.get('a')!)).toString()).toBe(some.toString());
  });

  it.each<[string, (record: Buffer, extra: Buffer) => void, string]>([
    ['count', (record) => record.writeBigUInt64LE(2n ** 63n, 32), 'Infinity members'],
    ['directory', (record) => record.writeBigUInt64LE(2n ** 62n, 48), 'a directory beyond the end'],
    ['length', (record) => record.writeBigUInt64LE(2n ** 40n, 40), 'a directory of 1099511627776 bytes'],
    ['member', (_, extra) => extra.writeBigUInt64LE(2n ** 50n, 20), 'beyond the directory'],
    ['size', (_, extra) => extra.writeBigUInt64LE(2n ** 50n, 12), 'stored member'],
    ['record', (record) => record.writeUInt32LE(0, 0), 'no ZIP64 record'],
  ])('refuses a 64-bit %s that lies', async (_what, change, named) => {
    expect(await complaint(zip64(change))).toContain(named);
  });

  it('keeps names that JavaScript objects trip over', async () => {
    const { members } = await readZip(strictSource(zipOf([{ name: '__proto__', bytes: some }])));
    expect([...members.keys()]).toEqual(['__proto__']);
  });
});

describe('npy', () => {
  function npy(header: string, body: Uint8Array = new Uint8Array(24), version = 1): Uint8Array {
    const text = Buffer.from(`${header}\n`, 'latin1');
    const lead = Buffer.from([
      0x93,
      ...Buffer.from('NUMPY'),
      version,
      0,
      text.length & 255,
      text.length >> 8,
    ]);
    return Buffer.concat([lead, text, body]);
  }
  const header = (descr: string, order: string, shape: string): string =>
    `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }`;

  it('reads both orders', async () => {
    const body = new Uint8Array(Float32Array.from([1, 2, 3, 4, 5, 6]).buffer);
    expect([...(await parseNpy('x', npy(header('<f4', 'False', '(2, 3)'), body))).data]).toEqual([
      1, 2, 3, 4, 5, 6,
    ]);
    expect([...(await parseNpy('x', npy(header('<f4', 'True', '(2, 3)'), body))).data]).toEqual([
      1, 3, 5, 2, 4, 6,
    ]);
    expect(await parseNpy('x', npy(header('<f4', 'False', '()'), body.slice(0, 4)))).toEqual({
      shape: [],
      data: Float32Array.of(1),
    });
  });

  it.each([
    [header('|O', 'False', '(2, 3)'), 'numbers of type "|O"'],
    [header('>f4', 'False', '(2, 3)'), 'numbers of type ">f4"'],
    [header('toString', 'False', '(2, 3)'), 'numbers of type "toString"'],
    [header('<f4', 'False', '(2, 4)'), '24 bytes of numbers'],
    [header('<f4', 'False', '(999999999999999, 999999999999999)'), 'bytes of numbers'],
    [header('<f4', 'False', "__import__('os')"), 'the header'],
    [header('<f4', 'False', `(${'1, '.repeat(9)})`), '9 dimensions'],
  ])('refuses %s', async (text, named) => {
    await expect(parseNpy('x', npy(text))).rejects.toThrow(named);
  });

  it('does not walk through an empty array of a huge size', async () => {
    const empty = npy(header('<f4', 'True', '(999999999999999, 0)'), new Uint8Array(0));
    expect((await parseNpy('x', empty)).data).toHaveLength(0);
  });
});
