import { describe, expect, it } from 'vitest';
import { MalformedError } from '../../../runner/errors.ts';
import { readTorchFile, TorchTensor } from '../../../runner/formats/torch-file.ts';
import { strictSource, torchOf, zipOf } from './hostile.ts';

async function complaint(bytes: Uint8Array): Promise<string> {
  const error = await readTorchFile(strictSource(bytes)).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(MalformedError);
  const { message } = error as MalformedError;
  expect(message).not.toContain('\n');
  return message;
}

const storage = (type: string, key: string, length: number): string =>
  `(X\x07\0\0\0storagectorch\n${type}\nX${String.fromCharCode(key.length)}\0\0\0${key}X\x03\0\0\0cpuK${String.fromCharCode(length)}tQ`;
/** A tensor of a storage: offset, shape and stride below 256. */
const tensor = (held: string, offset: number, shape: number[], stride: number[]): string => {
  const tuple = (values: number[]): string =>
    `(${values.map((value) => `K${String.fromCharCode(value)}`).join('')}t`;
  return `ctorch._utils\n_rebuild_tensor_v2\n(${held}K${String.fromCharCode(offset)}${tuple(shape)}${tuple(stride)}\x89)tR`;
};
const floats = new Uint8Array(Float32Array.from([1, 2, 3, 4, 5, 6]).buffer);

describe('what is read', () => {
  it('numbers, text, lists, tuples and dicts, nested', async () => {
    const pickle =
      '\x80\x02}q\0(X\x01\0\0\0a](K\x01G?\xf8\0\0\0\0\0\0eX\x01\0\0\0b\x88N\x86X\x01\0\0\0cJ\xff\xff\xff\xffu.';
    const { value } = await readTorchFile(strictSource(torchOf(pickle)));
    expect(value).toEqual(
      new Map<string, unknown>([
        ['a', [1, 1.5]],
        ['b', [true, null]],
        ['c', -1],
      ]),
    );
  });

  it('tensors, their strides and offsets honoured', async () => {
    const pickle = `\x80\x02${tensor(storage('FloatStorage', '0', 6), 1, [2, 2], [1, 2])}.`;
    const { value, floats: read } = await readTorchFile(strictSource(torchOf(pickle, { 0: floats })));
    expect(value).toBeInstanceOf(TorchTensor);
    expect([...(await read(value as TorchTensor))]).toEqual([2, 4, 3, 5]);
  });
});

describe('what is refused, by name', () => {
  it.each([
    ['a command', '\x80\x02cposix\nsystem\nX\x02\0\0\0id\x85R.', 'posix.system'],
    ['eval', '\x80\x02cbuiltins\neval\nX\x01\0\0\x001\x85R.', 'builtins.eval'],
    ['a command by stack', '\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R.', 'os.system'],
    ['an attribute chain', '\x80\x04\x8c\x05torch\x8c\x0c__builtins__\x93.', 'torch.__builtins__'],
    ['INST', '\x80\x02(X\x02\0\0\0idios\nsystem\n.', 'opcode 0x69'],
    ['OBJ', '\x80\x02(cos\nsystem\no.', 'os.system'],
    ['NEWOBJ', '\x80\x02ccollections\nOrderedDict\n)\x81.', 'opcode 0x81'],
    ['an extension', '\x80\x02\x82\x01.', 'opcode 0x82'],
    ['protocol 0 numbers', '\x80\x02I1\n.', 'opcode 0x49'],
    ['bytes', '\x80\x03C\x01a.', 'opcode 0x43'],
    ['a call of a storage', '\x80\x02ctorch\nFloatStorage\n)R.', 'torch.FloatStorage'],
    ['a call of data', '\x80\x02K\x01)R.', 'a call of something unknown'],
    ['a bare function', '\x80\x02ccollections\nOrderedDict\n.', 'a bare storage or function'],
    [
      'state for a tensor',
      `\x80\x02${tensor(storage('FloatStorage', '0', 6), 0, [1], [1])}}b.`,
      'state for an object',
    ],
    ['a list as a global’s name', '\x80\x04]]\x93.', 'a global without a name'],
    ['a list as a key', '\x80\x02}]K\x01s.', 'a dict key'],
    ['one key twice', '\x80\x02}(X\x01\0\0\0aK\x01X\x01\0\0\0aK\x02u.', 'twice'],
    ['a huge text', '\x80\x02X\xff\xff\xff\xff.', 'a text of 4294967295 bytes'],
    ['a huge whole number', '\x80\x02\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f.', '9223372036854775807'],
    ['an empty stack', '\x80\x020.', 'opcode 0x30'],
    ['no end', '\x80\x02K\x01', 'cut short'],
    ['a memo never stored', '\x80\x02h\x05.', 'never stored'],
    ['deep marks', `\x80\x02${'('.repeat(1_001)}.`, 'nested deeper than 1000'],
    ['deep lists', `\x80\x02${']'.repeat(40)}${'a'.repeat(39)}.`, 'nested deeper than 20'],
    ['a list in itself', '\x80\x02]q\0h\0a.', 'nested deeper than 20'],
    [
      'a tensor beyond its storage',
      `\x80\x02${tensor(storage('FloatStorage', '0', 6), 1, [2, 3], [3, 1])}.`,
      'in a storage of 6',
    ],
    [
      'a tensor larger than its storage',
      `\x80\x02${tensor(storage('FloatStorage', '0', 6), 0, [99, 99], [0, 0])}.`,
      'in a storage of 6',
    ],
    ['a storage of objects', `\x80\x02${storage('UntypedStorage', '0', 6)}.`, 'torch.UntypedStorage'],
  ])('%s', async (_what, pickle, named) => {
    expect(await complaint(torchOf(pickle, { 0: floats }))).toContain(named);
  });

  it('nothing of lists that each hold the one before two hundred times: they are read once', async () => {
    const level = (i: number): string =>
      `](${`h${String.fromCharCode(i)}`.repeat(200)}eq${String.fromCharCode(i + 1)}`;
    const levels = Array.from({ length: 12 }, (_, i) => level(i)).join('');
    const { value } = await readTorchFile(strictSource(torchOf(`\x80\x02(]q\0${levels}t.`)));
    expect(value).toHaveLength(13);
  });

  it('a storage that is missing or of another length', async () => {
    const pickle = `\x80\x02${tensor(storage('FloatStorage', '0', 6), 0, [6], [1])}.`;
    for (const storages of [{}, { 0: floats.slice(4) }] as Record<string, Uint8Array>[]) {
      const { value, floats: read } = await readTorchFile(strictSource(torchOf(pickle, storages)));
      await expect(read(value as TorchTensor)).rejects.toThrow(/storage "0"/);
    }
  });

  it('torch’s older format, and archives without a pickle', async () => {
    expect(await complaint(Buffer.from('\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.', 'latin1'))).toContain(
      'torch before 1.6',
    );
    expect(await complaint(zipOf([{ name: 'a', bytes: floats }]))).toContain('no data.pkl');
  });
});
