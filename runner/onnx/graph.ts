/**
 * Builds ONNX programs in TypeScript. A `Value` is the name of a tensor inside one graph; `node` adds an operator
 * and returns its output. Initialisers are either small tensors held in the program or stretches of a file that
 * onnxruntime maps itself (external data), so that checkpoints are used where they lie.
 */
import { toBfloat16, toFloat16 } from '../formats/number-types.ts';
import type { ExecutionProvider } from './devices.ts';
import { encodeModel } from './proto.ts';
import { type ElementType, elementTypeOf, elementTypes, resultTypes } from './result-types.ts';

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

/** Types that programs compute in. */
export type Precision = 'float32' | 'float16' | 'bfloat16';

export interface GraphOptions {
  /** Default the CPU. */
  provider?: Provider | undefined;
  /** Of constants; default float32. */
  precision?: Precision | undefined;
  /**
   * Whether operators on numbers of 16 bits are computed in float32, and what they give is rounded: for a provider that lacks
   * them.
   */
  emulated?: boolean | undefined;
}

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
  readonly #types = new Map<Value, ElementType>();
  #precision: Precision;
  readonly provider: Provider;
  readonly emulated: boolean;

  /**
   * @param prefix keeps the names of a nested graph (a branch of If) apart from those of its parent
   * @param options of the parent: the parent itself
   */
  constructor(prefix = '', { provider = 'cpu', precision = 'float32', emulated = false }: GraphOptions = {}) {
    this.#prefix = prefix;
    this.provider = provider;
    this.#precision = precision;
    this.emulated = emulated;
  }

  /** The type that constants have, and weights are read in. */
  get precision(): Precision {
    return this.#precision;
  }

  /** What is built meanwhile has constants of another type. */
  withPrecision<T>(precision: Precision, build: () => T): T {
    const before = this.#precision;
    this.#precision = precision;
    try {
      return build();
    } finally {
      this.#precision = before;
    }
  }

  /**
   * A part that is computed in float32 whatever the rest is: for operators that no provider has in fewer bits, and where they
   * are too few. The values it is built from are widened, what it gives is rounded.
   */
  inFloat32(values: readonly Value[], build: (...wide: Value[]) => Value): Value {
    const wide = values.map((value) => this.cast(value, 'float32'));
    return this.cast(
      this.withPrecision('float32', () => build(...wide)),
      this.#precision,
    );
  }

  /** The value itself where it has that type. */
  cast(value: Value, type: ElementType): Value {
    return this.#types.get(value) === type
      ? value
      : this.node('Cast', [value], { attributes: { to: elementTypes[type] } });
  }

  input(name: string, type: ElementType, shape: readonly Dimension[]): Value {
    this.#inputs.push(valueInfo(name, type, shape));
    this.#inputNames.push(name);
    this.#types.set(name as Value, type);
    return name as Value;
  }

  output(value: Value, name: string, type: ElementType, shape: readonly Dimension[]): void {
    this.#nodes.push({ opType: 'Identity', input: [value], output: [name], name: `output_${name}` });
    this.#outputs.push(valueInfo(name, type, shape));
    this.#outputNames.push(name);
  }

  floats(values: Float32Array | readonly number[], shape: readonly number[]): Value {
    const data = values instanceof Float32Array ? values : Float32Array.from(values);
    const precision = this.#precision;
    const kept =
      precision === 'float32' ? data : precision === 'bfloat16' ? toBfloat16(data) : toFloat16(data);
    return this.#initializer(precision, shape, bytesOf(kept));
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
    this.#types.set(name, type);
    return name;
  }

  /** Adds an operator with one output. */
  node(op: string, inputs: readonly Value[], options: NodeOptions = {}): Value {
    return this.nodes(op, inputs, { ...options, outputs: 1 })[0] as Value;
  }

  /** Adds an operator with several outputs. */
  nodes(op: string, inputs: readonly Value[], options: NodeOptions = {}): Value[] {
    const types = inputs.map((input) => this.#types.get(input));
    if (!this.emulated || op === 'Cast' || !types.some(isHalf)) return this.#add(op, inputs, options);
    const half = types.find(isHalf)!;
    const wide = inputs.map((input, i) => (isHalf(types[i]) ? this.cast(input, 'float32') : input));
    return this.#add(op, wide, options).map((output) =>
      this.#types.get(output) === 'float32' ? this.cast(output, half) : output,
    );
  }

  #add(op: string, inputs: readonly Value[], options: NodeOptions): Value[] {
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
    const to = options.attributes?.to;
    const types = resultTypes(
      op,
      inputs.map((input) => this.#types.get(input)),
      outputs.length,
      op === 'Cast' ? elementTypeOf(to as number) : undefined,
    );
    outputs.forEach((output, i) => {
      const type = types[i];
      if (type !== undefined) this.#types.set(output, type);
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
    this.#types.set(name, type);
    return name;
  }

  #name(stem: string): Value {
    this.#counter += 1;
    return `${this.#prefix}${stem}_${this.#counter}` as Value;
  }
}

function isHalf(type: ElementType | undefined): boolean {
  return type === 'float16' || type === 'bfloat16';
}

function bytesOf(array: Float32Array | Uint16Array | Int8Array | Int32Array | BigInt64Array): Uint8Array {
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
