/**
 * Builds ONNX programs in TypeScript. A `Value` is the name of a tensor inside one graph; `node` adds an operator
 * and returns its output. Initialisers are either small tensors held in the program or stretches of a file that
 * onnxruntime maps itself (external data), so that checkpoints are used where they lie.
 */
import type { ExecutionProvider } from './devices.ts';
import { encodeModel } from './proto.ts';
import { type ElementType, elementTypes } from './result-types.ts';

export type Value = string & { readonly __value: unique symbol };

export { type ElementType, elementTypes } from './result-types.ts';

/** A size, or the name of a size known only at run time. */
export type Dimension = number | string;

export type Attribute =
  | number
  | { float: number }
  | { ints: readonly number[] }
  | { floats: readonly number[] }
  | { string: string }
  | { graph: Record<string, unknown> };

export interface External {
  /** File name relative to the folder given to the session. */
  file: string;
  offset: number;
  length: number;
}

export interface NodeOptions {
  attributes?: Record<string, Attribute>;
  /** Operator domain: '' is ONNX itself, 'com.microsoft' onnxruntime's contributed operators. */
  domain?: '' | 'com.microsoft';
  /** Number of outputs the node has. */
  outputs?: number;
}

/** A finished program: the bytes of an ONNX model and the names it is run by. */
export interface Program {
  bytes: Uint8Array;
  inputs: readonly string[];
  outputs: readonly string[];
}

const OPSET = 21;
const IR_VERSION = 10;

/** Missing optional input of a node. */
export const none = '' as Value;

/** What a program is built for, where providers have different operators. */
export type Provider = ExecutionProvider['name'];

export class Graph {
  readonly #nodes: Record<string, unknown>[] = [];
  readonly #initializers: Record<string, unknown>[] = [];
  readonly #inputs: Record<string, unknown>[] = [];
  readonly #outputs: Record<string, unknown>[] = [];
  readonly #inputNames: string[] = [];
  readonly #outputNames: string[] = [];
  readonly #externals = new Map<string, Value>();
  #counter = 0;
  #contrib = false;
  readonly #prefix: string;
  readonly provider: Provider;

  /** @param prefix keeps the names of a nested graph (a branch of If) apart from those of its parent */
  constructor(prefix = '', { provider = 'cpu' }: { provider?: Provider | undefined } = {}) {
    this.#prefix = prefix;
    this.provider = provider;
  }

  input(name: string, type: ElementType, shape: readonly Dimension[]): Value {
    this.#inputs.push(valueInfo(name, type, shape));
    this.#inputNames.push(name);
    return name as Value;
  }

  output(value: Value, name: string, type: ElementType, shape: readonly Dimension[]): void {
    this.#nodes.push({ opType: 'Identity', input: [value], output: [name], name: `output_${name}` });
    this.#outputs.push(valueInfo(name, type, shape));
    this.#outputNames.push(name);
  }

  floats(values: Float32Array | readonly number[], shape: readonly number[]): Value {
    const data = values instanceof Float32Array ? values : Float32Array.from(values);
    return this.#initializer('float32', shape, bytesOf(data));
  }

  scalar(value: number): Value {
    return this.floats([value], []);
  }

  int64s(values: readonly number[], shape: readonly number[] = [values.length]): Value {
    return this.#initializer('int64', shape, bytesOf(BigInt64Array.from(values, BigInt)));
  }

  int32s(values: readonly number[], shape: readonly number[] = [values.length]): Value {
    return this.#initializer('int32', shape, bytesOf(Int32Array.from(values)));
  }

  int8s(values: Int8Array, shape: readonly number[]): Value {
    return this.#initializer('int8', shape, bytesOf(values));
  }

  uint8(value: number): Value {
    return this.#initializer('uint8', [], Uint8Array.of(value));
  }

  /** A tensor that lies in a file. Asking twice for the same stretch gives the same value. */
  external(type: ElementType, shape: readonly number[], at: External): Value {
    const key = `${at.file}:${at.offset}:${at.length}`;
    const known = this.#externals.get(key);
    if (known !== undefined) return known;
    const name = this.#name('weight');
    this.#initializers.push({
      name,
      dims: [...shape],
      dataType: elementTypes[type],
      dataLocation: 1,
      externalData: [
        { key: 'location', value: at.file },
        { key: 'offset', value: String(at.offset) },
        { key: 'length', value: String(at.length) },
      ],
    });
    this.#externals.set(key, name);
    return name;
  }

  /** Adds an operator with one output. */
  node(op: string, inputs: readonly Value[], options: NodeOptions = {}): Value {
    return this.nodes(op, inputs, { ...options, outputs: 1 })[0] as Value;
  }

  /** Adds an operator with several outputs. */
  nodes(op: string, inputs: readonly Value[], options: NodeOptions = {}): Value[] {
    if (options.domain === 'com.microsoft') this.#contrib = true;
    const outputs = Array.from({ length: options.outputs ?? 1 }, () => this.#name(op.toLowerCase()));
    this.#nodes.push({
      opType: op,
      domain: options.domain ?? '',
      name: `${op}_${this.#counter}`,
      input: [...inputs],
      output: outputs,
      attribute: Object.entries(options.attributes ?? {}).map(([name, value]) => attribute(name, value)),
    });
    return outputs;
  }

  /** This graph as the body of a control-flow attribute (the branches of If). */
  body(): { graph: Record<string, unknown> } {
    return { graph: this.#graph() };
  }

  program(): Program {
    const opsetImport: Record<string, unknown>[] = [{ domain: '', version: OPSET }];
    if (this.#contrib) opsetImport.push({ domain: 'com.microsoft', version: 1 });
    const bytes = encodeModel({
      irVersion: IR_VERSION,
      producerName: 'interpboard',
      graph: this.#graph(),
      opsetImport,
    });
    return { bytes, inputs: [...this.#inputNames], outputs: [...this.#outputNames] };
  }

  #graph(): Record<string, unknown> {
    return {
      name: 'program',
      node: this.#nodes,
      initializer: this.#initializers,
      input: this.#inputs,
      output: this.#outputs,
    };
  }

  #initializer(type: ElementType, shape: readonly number[], rawData: Uint8Array): Value {
    const name = this.#name('constant');
    this.#initializers.push({ name, dims: [...shape], dataType: elementTypes[type], rawData });
    return name;
  }

  #name(stem: string): Value {
    this.#counter += 1;
    return `${this.#prefix}${stem}_${this.#counter}` as Value;
  }
}

function bytesOf(array: Float32Array | Int8Array | Int32Array | BigInt64Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function valueInfo(name: string, type: ElementType, shape: readonly Dimension[]): Record<string, unknown> {
  const dim = shape.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size }));
  return { name, type: { tensorType: { elemType: elementTypes[type], shape: { dim } } } };
}

/** AttributeProto with its type code: FLOAT 1, INT 2, STRING 3, GRAPH 5, FLOATS 6, INTS 7. */
function attribute(name: string, value: Attribute): Record<string, unknown> {
  if (typeof value === 'number') return { name, type: 2, i: value };
  if ('float' in value) return { name, type: 1, f: value.float };
  if ('ints' in value) return { name, type: 7, ints: [...value.ints] };
  if ('floats' in value) return { name, type: 6, floats: [...value.floats] };
  if ('string' in value) return { name, type: 3, s: Buffer.from(value.string) };
  return { name, type: 5, g: value.graph };
}
