/** Jinja2's tests: what stands after `is`. */
import { integer } from './arguments.ts';
import { TemplateError } from './errors.ts';
import { isLower, isUpper } from './strings.ts';
import {
  Callable,
  compare,
  equal,
  Float,
  isIterable,
  iterate,
  lookUp,
  numeric,
  print,
  Tuple,
  typeName,
  Undefined,
  type Value,
  View,
} from './values.ts';

type Test = (value: Value, argument: Value) => boolean;

const tests: Readonly<Record<string, Test>> = {
  defined: (value) => !(value instanceof Undefined),
  undefined: (value) => value instanceof Undefined,
  none: (value) => value === null,
  boolean: (value) => typeof value === 'boolean',
  true: (value) => value === true,
  false: (value) => value === false,
  integer: (value) => typeof value === 'number',
  float: (value) => value instanceof Float,
  number: (value) => numeric(value) !== null,
  string: (value) => typeof value === 'string',
  mapping: (value) => value instanceof Map,
  iterable: isIterable,
  sequence: (value) =>
    typeof value === 'string' ||
    Array.isArray(value) ||
    value instanceof Tuple ||
    value instanceof Map ||
    value instanceof Undefined ||
    (value instanceof View && value.name === 'range'),
  callable: (value) => value instanceof Callable,
  odd: (value) => integer(value, 'a value that is odd or not') % 2 !== 0,
  even: (value) => integer(value, 'a value that is even or not') % 2 === 0,
  divisibleby: (value, by) => integer(value, 'a value that is divided') % integer(by, 'a divisor') === 0,
  lower: (value) => isLower(print(value)),
  upper: (value) => isUpper(print(value)),
  in: (value, among) => contains(among, value),
  eq: equal,
  ne: (value, other) => !equal(value, other),
  lt: (value, other) => compare(value, other, '<') < 0,
  le: (value, other) => compare(value, other, '<=') <= 0,
  gt: (value, other) => compare(value, other, '>') > 0,
  ge: (value, other) => compare(value, other, '>=') >= 0,
  sameas: (value, other) => value === other,
};

const ALIASES: Readonly<Record<string, string>> = {
  equalto: 'eq',
  '==': 'eq',
  '!=': 'ne',
  lessthan: 'lt',
  '<': 'lt',
  '<=': 'le',
  greaterthan: 'gt',
  '>': 'gt',
  '>=': 'ge',
};
const WITH_ARGUMENT = new Set(['divisibleby', 'in', 'eq', 'ne', 'lt', 'le', 'gt', 'ge', 'sameas']);

/** @throws TemplateError for a test that is not known, or with the wrong number of arguments */
export function applyTest(name: string, value: Value, args: readonly Value[]): boolean {
  const known = Object.hasOwn(ALIASES, name) ? ALIASES[name]! : name;
  if (!Object.hasOwn(tests, known))
    throw new TemplateError(`the test "${name}", which is not supported here`);
  if (args.length !== (WITH_ARGUMENT.has(known) ? 1 : 0))
    throw new TemplateError(`the test "${name}" with ${args.length} arguments`);
  return tests[known]!(value, args[0] ?? null);
}

/** `item in among`. */
export function contains(among: Value, item: Value): boolean {
  if (typeof among === 'string') {
    if (typeof item !== 'string')
      throw new TemplateError(`'in <string>' requires string as left operand, not ${typeName(item)}`);
    return among.includes(item);
  }
  if (among instanceof Map) return lookUp(among, item) !== undefined;
  return iterate(among).some((each) => each === item || equal(each, item));
}
