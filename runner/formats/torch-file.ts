/**
 * Files of torch.save (PyTorch 1.6 and later): a ZIP archive of a pickle `<root>/data.pkl` and one stored member
 * `<root>/data/<key>` a storage. Read by the restricted pickle reader; no code in it is run.
 */
import { MalformedError, quote } from '../errors.ts';
import type { ByteSource } from '../io/byte-source.ts';
import { isFloatType, type NumberType, numberTypes, wholesOf } from './number-types.ts';
import { isFunction, type PickleFunction, type PickleValue, parsePickle } from './pickle.ts';
import { readArray, type StoredArray } from './stored-array.ts';
import { openMember, readMember, readZip, type Zip, type ZipMember } from './zip.ts';

const RANK_LIMIT = 8;
const DEPTH_LIMIT = 20;

const storageTypes: Readonly<Record<string, NumberType>> = {
  'torch.FloatStorage': 'F32',
  'torch.DoubleStorage': 'F64',
  'torch.HalfStorage': 'F16',
  'torch.BFloat16Storage': 'BF16',
  'torch.LongStorage': 'I64',
  'torch.IntStorage': 'I32',
  'torch.ShortStorage': 'I16',
  'torch.CharStorage': 'I8',
  'torch.ByteStorage': 'U8',
  'torch.BoolStorage': 'BOOL',
};

class Storage {
  readonly dtype: NumberType;
  readonly key: string;
  readonly length: number;
  constructor(dtype: NumberType, key: string, length: number) {
    this.dtype = dtype;
    this.key = key;
    this.length = length;
  }
}

/** A tensor not yet read: a strided view of a storage. */
export class TorchTensor {
  readonly storage: Storage;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly stride: readonly number[];
  constructor(storage: Storage, offset: number, shape: readonly number[], stride: readonly number[]) {
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.stride = stride;
  }
  get dtype(): NumberType {
    return this.storage.dtype;
  }
}

export type TorchValue = null | boolean | number | string | TorchTensor | TorchValue[] | TorchDict;
export type TorchDict = Map<string, TorchValue>;

export interface TorchFile {
  value: TorchValue;
  /** A float tensor where it lies. @throws MalformedError */
  array(tensor: TorchTensor): Promise<StoredArray>;
  /** Float tensors as float32, row-major. @throws MalformedError */
  floats(tensor: TorchTensor): Promise<Float32Array>;
  /** Tensors of whole numbers. @throws MalformedError */
  wholes(tensor: TorchTensor): Promise<number[]>;
}

/**
 * Opens a file: its structure is read, its tensors when they are asked for.
 *
 * @throws MalformedError for anything but tensors, dicts, lists, numbers and text, naming it; for torch's older
 *   format; for tensors that reach outside their storage
 */
export async function readTorchFile(source: ByteSource): Promise<TorchFile> {
  const thing = `torch file ${source.name}`;
  const malformed = (found: string, expected: string): MalformedError =>
    new MalformedError({
      thing,
      found,
      expected,
      next: 'Download the file again, or save its state dict alone.',
    });
  const lead = await source.slice(0, Math.min(2, source.byteLength));
  if (lead[0] === 0x80)
    throw malformed('a bare pickle (torch before 1.6 wrote such files)', 'torch’s ZIP format');
  const zip = await readZip(source);
  const root = rootOf(zip);
  if (root === undefined) throw malformed('no data.pkl in the archive', 'one');
  const order = zip.members.get(`${root}/byteorder`);
  if (order && Buffer.from(await readMember(source, order)).toString('latin1') !== 'little') {
    throw malformed('numbers that are not little endian', 'little endian');
  }
  const pickled = await readMember(source, zip.members.get(`${root}/data.pkl`)!);
  const raw = parsePickle(thing, pickled, {
    resolve: (name) => resolve(name, malformed),
    persistent: (id) => persistent(id),
  });
  const value = plain(raw, malformed);

  function memberOf({ storage }: TorchTensor): ZipMember {
    const member = zip.members.get(`${root}/data/${storage.key}`);
    if (!member) throw malformed(`no storage ${quote(storage.key)}`, 'one');
    const expected = storage.length * numberTypes[storage.dtype];
    if (member.byteLength !== expected) {
      throw malformed(`storage ${quote(storage.key)} of ${member.byteLength} bytes`, `${expected} bytes`);
    }
    return member;
  }

  async function array(tensor: TorchTensor): Promise<StoredArray> {
    const { dtype, offset, shape, stride } = tensor;
    if (!isFloatType(dtype)) throw malformed(`a tensor of type ${dtype}`, 'floating numbers');
    const contents = await openMember(source, memberOf(tensor));
    return { source: contents, dtype, start: offset * numberTypes[dtype], shape, stride };
  }

  return {
    value,
    array,
    floats: async (tensor) => readArray(await array(tensor)),
    async wholes(tensor) {
      const bytes = new Uint8Array(await readMember(source, memberOf(tensor)));
      const all = wholesOf(tensor.dtype, bytes);
      if (!all) throw malformed(`a tensor of type ${tensor.dtype}`, 'whole numbers');
      return strided(all, tensor);
    },
  };
}

function rootOf({ members }: Zip): string | undefined {
  const roots = [...members.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  return roots.length === 1 ? roots[0]!.split('/')[0] : undefined;
}

type Complain = (found: string, expected: string) => MalformedError;

function resolve(name: string, malformed: Complain): PickleFunction | undefined {
  const refuse = (): never => {
    throw malformed(`a call of ${name} with other arguments`, 'those that torch.save writes');
  };
  if (Object.hasOwn(storageTypes, name)) return { name, call: refuse };
  switch (name) {
    case 'collections.OrderedDict':
      return { name, call: (args) => (args.length === 0 ? new Map() : refuse()) };
    case 'torch._utils._rebuild_parameter':
      return { name, call: ([data]) => (isTensor(data) ? data : refuse()) };
    case 'torch._utils._rebuild_tensor_v2':
      return { name, call: (args) => ({ object: rebuilt(args, malformed) ?? refuse() }) };
    default:
      return undefined;
  }
}

function isTensor(value: PickleValue | undefined): value is { object: TorchTensor } {
  return (
    typeof value === 'object' && value !== null && 'object' in value && value.object instanceof TorchTensor
  );
}

/** ('storage', type, key, location, length) */
function persistent(id: PickleValue): { object: Storage } | undefined {
  if (!Array.isArray(id) || id.length !== 5) return undefined;
  const [tag, type, key, , length] = id;
  if (tag !== 'storage' || !isFunction(type) || typeof key !== 'string' || !isSize(length)) return undefined;
  const dtype = storageTypes[type.name];
  return dtype === undefined ? undefined : { object: new Storage(dtype, key, length) };
}

function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** (storage, offset, shape, stride, requires_grad, backward_hooks, …) */
function rebuilt(args: readonly PickleValue[], malformed: Complain): TorchTensor | undefined {
  const [storage, offset, shape, stride] = args;
  const held =
    typeof storage === 'object' && storage !== null && 'object' in storage ? storage.object : undefined;
  if (!(held instanceof Storage) || !isSize(offset) || !Array.isArray(shape) || !Array.isArray(stride))
    return undefined;
  if (!shape.every(isSize) || !stride.every(isSize) || shape.length !== stride.length) return undefined;
  if (shape.length > RANK_LIMIT)
    throw malformed(`a tensor of ${shape.length} dimensions`, `at most ${RANK_LIMIT}`);
  const count = shape.reduce((product, size) => product * size, 1);
  const last = shape.reduce((sum, size, i) => sum + (size - 1) * stride[i]!, offset);
  if (count > 0 && (last >= held.length || count > held.length)) {
    throw malformed(`a tensor [${shape.join(', ')}] in a storage of ${held.length} numbers`, 'one inside it');
  }
  return new TorchTensor(held, offset, shape, stride);
}

/**
 * Pickle values as the caller's: what is left of functions and storages alone is refused. Each object is turned once,
 * however often it is referred to.
 */
function plain(
  value: PickleValue,
  malformed: Complain,
  depth = 0,
  turned = new Map<object, TorchValue>(),
): TorchValue {
  if (depth > DEPTH_LIMIT) throw malformed(`dicts or lists nested deeper than ${DEPTH_LIMIT}`, 'fewer');
  if (value === null || typeof value !== 'object') return value;
  const known = turned.get(value);
  if (known !== undefined) return known;
  let result: TorchValue;
  if (Array.isArray(value)) {
    result = value.map((each) => plain(each, malformed, depth + 1, turned));
  } else if (value instanceof Map) {
    const dict: TorchDict = new Map();
    for (const [key, each] of value) dict.set(String(key), plain(each, malformed, depth + 1, turned));
    result = dict;
  } else if (isTensor(value)) {
    result = value.object;
  } else throw malformed('a bare storage or function', 'tensors, dicts, lists and numbers');
  turned.set(value, result);
  return result;
}

/** A strided view's numbers, row-major. */
function strided(all: Float64Array, { shape, stride, offset }: TorchTensor): number[] {
  const count = shape.reduce((product, size) => product * size, 1);
  return Array.from({ length: count }, (_, to) => {
    let [rest, from] = [to, offset];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += (rest % shape[axis]!) * stride[axis]!;
      rest = Math.floor(rest / shape[axis]!);
    }
    return all[from]!;
  });
}
