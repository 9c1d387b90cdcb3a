/** Attributes and items: object.name and object[key], as Jinja2's sandbox reads them. */
import { integer, matched } from './arguments.ts';
import type { Budget } from './budget.ts';
import { TemplateError, unsupported } from './errors.ts';
import { OTHER_STRING_METHODS, stringMethods } from './strings.ts';
import {
  Callable,
  equal,
  Float,
  Loop,
  lookUp,
  Namespace,
  print,
  Stream,
  Tuple,
  typeName,
  Undefined,
  type Value,
  View,
} from './values.ts';

/** Methods that change what they are called on: the sandbox lets none of them be called. */
const CHANGING = new Set(
  'append clear extend insert pop popitem remove reverse setdefault sort update'.split(' '),
);

/** object.name: an attribute first, then the item under the name. @throws TemplateError where the object is undefined */
export function attribute(object: Value, name: string, budget: Budget): Value {
  const found = ownAttribute(object, name, budget);
  if (found !== undefined) return found;
  const value = object instanceof Map ? object.get(name) : undefined;
  return value ?? (value === null ? null : missing(object, name));
}

/** object[key]: an item first, then, for a name, the attribute. */
export function item(object: Value, key: Value, budget: Budget): Value {
  const found = ownItem(object, key);
  if (found !== undefined) return found;
  return typeof key === 'string'
    ? (ownAttribute(object, key, budget) ?? missing(object, key))
    : missing(object, print(key));
}

function missing(object: Value, name: string): Undefined {
  return new Undefined(`'${typeName(object)} object' has no attribute '${name}', which`);
}

function ownItem(object: Value, key: Value): Value | undefined {
  if (object instanceof Undefined) throw new TemplateError(`${object.what} is undefined`);
  if (object instanceof Map) return isUnhashable(key) ? undefined : lookUp(object, key);
  if (typeof key !== 'number' && typeof key !== 'boolean') return undefined;
  const items = indexed(object);
  return items?.at(Number(key));
}

function isUnhashable(key: Value): boolean {
  return Array.isArray(key) || key instanceof Map;
}

function indexed(object: Value): readonly Value[] | null {
  if (typeof object === 'string') return [...object];
  if (Array.isArray(object)) return object;
  if (object instanceof Tuple || (object instanceof View && object.name === 'range')) return object.items;
  return null;
}

function ownAttribute(object: Value, name: string, budget: Budget): Value | undefined {
  if (object instanceof Undefined) throw new TemplateError(`${object.what} is undefined`);
  if (object instanceof Namespace) return object.fields.get(name);
  if (object instanceof Loop) return object.field(name);
  // What the sandbox hides.
  if (name.startsWith('_')) return undefined;
  if (typeof object === 'string') {
    if (OTHER_STRING_METHODS.has(name)) throw unsupported(`str.${name}()`);
    if (!Object.hasOwn(stringMethods, name)) return undefined;
    const method = stringMethods[name]!;
    return new Callable(name, (args, keywords) => {
      budget.step(1 + object.length / 64);
      return method(object, args, keywords, budget);
    });
  }
  if (object instanceof Map) return dictAttribute(object, name);
  if (Array.isArray(object) || object instanceof Tuple) return listAttribute(object, name);
  if (object instanceof Callable || object instanceof View || object instanceof Stream)
    throw unsupported(`the attribute "${name}" of a ${typeName(object)}`);
  if (
    object !== null &&
    (typeof object === 'number' || typeof object === 'boolean' || object instanceof Float)
  ) {
    if (
      /^(?:real|imag|numerator|denominator|conjugate|bit_length|bit_count|as_integer_ratio|is_integer|hex|fromhex|to_bytes|from_bytes)$/.test(
        name,
      )
    )
      throw unsupported(`${typeName(object)}.${name}`);
  }
  return undefined;
}

function dictAttribute(dict: Map<Value, Value>, name: string): Value | undefined {
  switch (name) {
    case 'get':
      return new Callable(name, (args, keywords) => {
        if (keywords.size > 0) throw new TemplateError('get() takes no keyword arguments');
        const [key, other = null] = matched(name, ['key', 'default'], 1, args, keywords);
        const found = lookUp(dict, key!);
        return found === undefined ? other : found;
      });
    case 'items':
      return view(
        name,
        () =>
          new View(
            'dict_items',
            [...dict].map((pair) => new Tuple(pair)),
          ),
      );
    case 'keys':
      return view(name, () => new View('dict_keys', [...dict.keys()]));
    case 'values':
      return view(name, () => new View('dict_values', [...dict.values()]));
    case 'copy':
      return view(name, () => new Map(dict));
    case 'fromkeys':
      throw unsupported('dict.fromkeys()');
    default:
      return CHANGING.has(name) && !['append', 'extend', 'insert', 'remove', 'reverse', 'sort'].includes(name)
        ? forbidden('dict', name)
        : undefined;
  }
}

function listAttribute(list: readonly Value[] | Tuple, name: string): Value | undefined {
  const items = list instanceof Tuple ? list.items : list;
  switch (name) {
    case 'index':
      return new Callable(name, (args, keywords) => {
        const [value] = matched(name, ['value'], 1, args, keywords);
        const at = items.findIndex((each) => equal(each, value!));
        if (at < 0) throw new TemplateError('the value is not in list');
        return at;
      });
    case 'count':
      return new Callable(name, (args, keywords) => {
        const [value] = matched(name, ['value'], 1, args, keywords);
        return items.filter((each) => equal(each, value!)).length;
      });
    case 'copy':
      return list instanceof Tuple ? undefined : view(name, () => [...items]);
    default:
      if (list instanceof Tuple || !CHANGING.has(name)) return undefined;
      return ['popitem', 'setdefault', 'update'].includes(name) ? undefined : forbidden('list', name);
  }
}

function view(name: string, make: () => Value): Callable {
  return new Callable(name, (args, keywords) => {
    matched(name, [], 0, args, keywords);
    return make();
  });
}

/** Undefined to tests; calling it says why. */
function forbidden(type: string, name: string): Undefined {
  return new Undefined(`access to attribute '${name}' of '${type}' object is unsafe; it`);
}

/** object[first:second:third]. */
export function slice(object: Value, bounds: readonly (Value | undefined)[], budget: Budget): Value {
  if (object instanceof Undefined) throw new TemplateError(`${object.what} is undefined`);
  const items = indexed(object);
  if (items === null) return missing(object, 'a slice');
  const [first = null, second = null, third = null] = bounds;
  const step = third === null ? 1 : integer(third, 'the step of a slice');
  if (step === 0) throw new TemplateError('slice step cannot be zero');
  const size = items.length;
  const [low, high] = step > 0 ? [0, size] : [-1, size - 1];
  const place = (bound: Value, otherwise: number): number => {
    if (bound === null) return otherwise;
    const at = integer(bound, 'a bound of a slice');
    return Math.min(Math.max(at < 0 ? at + size : at, low), high);
  };
  const start = place(first, step > 0 ? low : high);
  const end = place(second, step > 0 ? high : low);
  const taken: Value[] = [];
  for (let at = start; step > 0 ? at < end : at > end; at += step) taken.push(items[at]!);
  budget.step(taken.length);
  if (typeof object === 'string') return taken.join('');
  if (Array.isArray(object)) return taken;
  return object instanceof Tuple ? new Tuple(taken) : new View('range', taken);
}
