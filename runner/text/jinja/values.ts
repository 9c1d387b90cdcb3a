/** Values of a template as Python has them: what is true, equal, printed and iterated over. */
import { TemplateError, unsupported } from './errors.ts';

export class Float {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

export class Tuple {
  readonly items: readonly Value[];
  constructor(items: readonly Value[]) {
    this.items = items;
  }
}

/** keys(), values() and items() of a dict, and ranges: iterated over again and again, printed with a name. */
export class View {
  readonly name: 'dict_keys' | 'dict_values' | 'dict_items' | 'range';
  readonly items: readonly Value[];
  constructor(name: View['name'], items: readonly Value[]) {
    this.name = name;
    this.items = items;
  }
}

/** What map, select and their like give: made as it is read, once; true, and without a length. */
export class Stream {
  readonly #items: Iterator<Value>;
  constructor(items: Iterable<Value>) {
    this.#items = items[Symbol.iterator]();
  }
  next(): Value | undefined {
    const { value, done } = this.#items.next();
    return done === true ? undefined : value;
  }
  read(): Value[] {
    const all: Value[] = [];
    for (let each = this.next(); each !== undefined; each = this.next()) all.push(each);
    return all;
  }
}

/** A name, field or item that is not there: false, empty, printed as nothing; whatever else is done with it fails. */
export class Undefined {
  readonly what: string;
  constructor(what: string) {
    this.what = what;
  }
}

export class Namespace {
  readonly fields = new Map<string, Value>();
}

/** The `loop` of a for: its fields by name. */
export class Loop {
  readonly field: (name: string) => Value;
  constructor(field: (name: string) => Value) {
    this.field = field;
  }
}

export type Keywords = ReadonlyMap<string, Value>;

export class Callable {
  readonly name: string;
  readonly call: (args: readonly Value[], keywords: Keywords) => Value;
  constructor(name: string, call: Callable['call']) {
    this.name = name;
    this.call = call;
  }
}

/** Integers are numbers, at most 2^53 in size. */
export type Value =
  | null
  | boolean
  | number
  | string
  | Float
  | Value[]
  | Tuple
  | Map<Value, Value>
  | View
  | Stream
  | Undefined
  | Namespace
  | Loop
  | Callable;

/** JSON as a template sees it. A number with a fraction is a float; 1.0 cannot be told from 1 in JSON that was read. */
export function fromJson(value: unknown): Value {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      if (Number.isInteger(value) && !Number.isSafeInteger(value))
        throw unsupported('a number beyond 2^53 in the data');
      return Number.isInteger(value) ? value : new Float(value);
    case 'object':
      if (value === null) return null;
      if (Array.isArray(value)) return value.map(fromJson);
      return new Map(
        Object.entries(value).flatMap(([key, each]): [Value, Value][] =>
          each === undefined ? [] : [[key, fromJson(each)]],
        ),
      );
    default:
      return null;
  }
}

export function typeName(value: Value): string {
  if (value === null) return 'NoneType';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return 'int';
  if (typeof value === 'string') return 'str';
  if (value instanceof Float) return 'float';
  if (Array.isArray(value)) return 'list';
  if (value instanceof Tuple) return 'tuple';
  if (value instanceof Map) return 'dict';
  if (value instanceof View) return value.name;
  if (value instanceof Stream) return 'generator';
  if (value instanceof Undefined) return 'Undefined';
  if (value instanceof Namespace) return 'Namespace';
  return value instanceof Loop ? 'LoopContext' : 'function';
}

export function truth(value: Value): boolean {
  if (value === null || value instanceof Undefined) return false;
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number') return value !== 0;
  if (typeof value === 'string') return value !== '';
  if (value instanceof Float) return value.value !== 0;
  if (Array.isArray(value)) return value.length > 0;
  if (value instanceof Tuple || value instanceof View) return value.items.length > 0;
  return value instanceof Map ? value.size > 0 : true;
}

/** An int, bool or float as a number; null where it is none. */
export function numeric(value: Value): number | null {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  return value instanceof Float ? value.value : null;
}

export function equal(a: Value, b: Value): boolean {
  const [x, y] = [numeric(a), numeric(b)];
  if (x !== null && y !== null) return x === y;
  if (Array.isArray(a)) return Array.isArray(b) && allEqual(a, b);
  if (a instanceof Tuple) return b instanceof Tuple && allEqual(a.items, b.items);
  if (a instanceof View || b instanceof View) throw unsupported('a comparison of views of a dict');
  if (a instanceof Undefined) return b instanceof Undefined;
  if (a instanceof Map) {
    if (!(b instanceof Map) || a.size !== b.size) return false;
    return [...a].every(([key, value]) => {
      const other = lookUp(b, key);
      return other !== undefined && equal(value, other);
    });
  }
  return a === b;
}

function allEqual(a: readonly Value[], b: readonly Value[]): boolean {
  return a.length === b.length && a.every((value, i) => equal(value, b[i]!));
}

/** @throws TemplateError where Python cannot order the two */
export function compare(a: Value, b: Value, operator: string): number {
  const [x, y] = [numeric(a), numeric(b)];
  if (x !== null && y !== null) return x === y ? 0 : x < y ? -1 : x > y ? 1 : Number.NaN;
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
  const [first, second] = [sequence(a), sequence(b)];
  if (first === null || second === null || Array.isArray(a) !== Array.isArray(b)) {
    throw new TemplateError(
      `'${operator}' not supported between instances of '${typeName(a)}' and '${typeName(b)}'`,
    );
  }
  for (let i = 0; i < Math.min(first.length, second.length); i++)
    if (!equal(first[i]!, second[i]!)) return compare(first[i]!, second[i]!, operator);
  return first.length - second.length;
}

function sequence(value: Value): readonly Value[] | null {
  return Array.isArray(value) ? value : value instanceof Tuple ? value.items : null;
}

/** By code points, as Python orders strings: UTF-16 puts surrogates before U+E000. */
export function compareText(a: string, b: string): number {
  const [x, y] = [[...a], [...b]];
  for (let i = 0; i < Math.min(x.length, y.length); i++)
    if (x[i] !== y[i]) return x[i]!.codePointAt(0)! - y[i]!.codePointAt(0)!;
  return x.length - y.length;
}

/** The value under a key; undefined where there is none. @throws TemplateError for keys that Python cannot hash */
export function lookUp(dict: ReadonlyMap<Value, Value>, key: Value): Value | undefined {
  if (Array.isArray(key) || key instanceof Map)
    throw new TemplateError(`unhashable type: '${typeName(key)}'`);
  return dict.get(hashKey(key));
}

/** True is looked up as the key 1, and so is 1.0. */
function hashKey(key: Value): Value {
  return numeric(key) ?? key;
}

/** A key as a dict holds it: strings and integers, which JSON and templates have; None too. */
export function keyOf(key: Value): Value {
  if (typeof key === 'string' || typeof key === 'number' || key === null) return key;
  throw unsupported(`a ${typeName(key)} as the key of a dict`);
}

/** What a for goes over. @throws TemplateError where the value cannot be iterated over */
export function iterate(value: Value): readonly Value[] {
  if (typeof value === 'string') return [...value];
  if (Array.isArray(value)) return value;
  if (value instanceof Tuple || value instanceof View) return value.items;
  if (value instanceof Map) return [...value.keys()];
  if (value instanceof Stream) return value.read();
  if (value instanceof Undefined) return [];
  throw new TemplateError(`'${typeName(value)}' object is not iterable`);
}

/** len(). @throws TemplateError for values without one */
export function lengthOf(value: Value): number {
  if (value instanceof Stream || numeric(value) !== null || !isIterable(value))
    throw new TemplateError(`object of type '${typeName(value)}' has no len()`);
  return value instanceof Map ? value.size : iterate(value).length;
}

export function isIterable(value: Value): boolean {
  return !(
    value === null ||
    numeric(value) !== null ||
    value instanceof Namespace ||
    value instanceof Callable ||
    value instanceof Loop
  );
}

/** str(). */
export function print(value: Value): string {
  if (typeof value === 'string') return value;
  return value instanceof Undefined ? '' : repr(value);
}

/** repr(). */
export function repr(value: Value): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return integerText(value);
  if (typeof value === 'string') return reprText(value);
  if (value instanceof Float) return floatText(value.value);
  if (Array.isArray(value)) return `[${value.map(repr).join(', ')}]`;
  if (value instanceof Tuple) {
    const { items } = value;
    return items.length === 1 ? `(${repr(items[0]!)},)` : `(${items.map(repr).join(', ')})`;
  }
  if (value instanceof Map)
    return `{${[...value].map(([key, each]) => `${repr(key)}: ${repr(each)}`).join(', ')}}`;
  if (value instanceof Undefined) return 'Undefined';
  if (value instanceof View && value.name !== 'range')
    return `${value.name}([${value.items.map(repr).join(', ')}])`;
  throw unsupported(`printing a ${typeName(value)}`);
}

function integerText(value: number): string {
  return Object.is(value, -0) ? '0' : String(value);
}

/** As Python prints floats: the shortest digits, with an exponent below 1e-4 and from 1e16 on. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (Object.is(value, -0)) return '-0.0';
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e16)) {
    const [digits, exponent] = value.toExponential().split('e') as [string, string];
    const power = Number(exponent);
    return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
  }
  const text = String(value);
  return text.includes('.') ? text : `${text}.0`;
}

const NOT_PRINTABLE = /[\p{C}\p{Zl}\p{Zp}\p{Zs}\\'"]/gu;
const REPR_ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

function reprText(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const inner = text.replace(NOT_PRINTABLE, (char) => {
    if (char === ' ') return char;
    if (char === '"' || char === "'") return char === quote ? `\\${char}` : char;
    const known = REPR_ESCAPES[char];
    if (known !== undefined) return known;
    const code = char.codePointAt(0)!;
    const hex = code.toString(16);
    if (code < 0x100) return `\\x${hex.padStart(2, '0')}`;
    return code < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
  });
  return `${quote}${inner}${quote}`;
}
