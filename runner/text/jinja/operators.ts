/** Python's operators on the values of a template. */
import { asNumber } from './arguments.ts';
import type { Comparison, Operator } from './ast.ts';
import type { Budget } from './budget.ts';
import { TemplateError, unsupported } from './errors.ts';
import { contains } from './tests.ts';
import { compare, equal, Float, numeric, Tuple, typeName, Undefined, type Value } from './values.ts';

/** @throws TemplateError where Python raises */
export function binary(operator: Operator, a: Value, b: Value, budget: Budget): Value {
  for (const each of [a, b])
    if (each instanceof Undefined) throw new TemplateError(`${each.what} is undefined`);
  const [x, y] = [numeric(a), numeric(b)];
  if (x !== null && y !== null) return arithmetic(operator, x, y, a instanceof Float || b instanceof Float);
  if (operator === '+') {
    if (typeof a === 'string' && typeof b === 'string') {
      budget.build(a.length + b.length);
      return a + b;
    }
    if (Array.isArray(a) && Array.isArray(b)) {
      budget.step(a.length + b.length);
      return [...a, ...b];
    }
    if (a instanceof Tuple && b instanceof Tuple) return new Tuple([...a.items, ...b.items]);
  }
  if (operator === '*') {
    if (isInteger(b)) return repeated(a, Number(b), budget);
    if (isInteger(a)) return repeated(b, Number(a), budget);
  }
  if (operator === '%' && typeof a === 'string') throw unsupported('formatting with %');
  throw new TemplateError(`unsupported operand types for ${operator}: '${typeName(a)}' and '${typeName(b)}'`);
}

function isInteger(value: Value): value is number | boolean {
  return typeof value === 'number' || typeof value === 'boolean';
}

function repeated(value: Value, times: number, budget: Budget): Value {
  const count = Math.max(0, times);
  if (typeof value === 'string') {
    budget.build(value.length * count);
    return value.repeat(count);
  }
  const items = Array.isArray(value) ? value : value instanceof Tuple ? value.items : null;
  if (items === null)
    throw new TemplateError(`unsupported operand types for *: '${typeName(value)}' and 'int'`);
  budget.step(items.length * count);
  const all = Array.from({ length: count }, () => items).flat();
  return Array.isArray(value) ? all : new Tuple(all);
}

function arithmetic(operator: Operator, x: number, y: number, float: boolean): Value {
  if (y === 0 && (operator === '/' || operator === '//' || operator === '%'))
    throw new TemplateError('division by zero');
  switch (operator) {
    case '+':
      return asNumber(x + y, float);
    case '-':
      return asNumber(x - y, float);
    case '*':
      return asNumber(x * y, float);
    case '/':
      return new Float(x / y);
    case '//':
      // By the remainder: the quotient may round up to the next integer.
      return asNumber((x - modulo(x, y)) / y, float);
    case '%':
      return asNumber(modulo(x, y), float);
    case '**':
      return asNumber(x ** y, float || y < 0);
    default:
      return operator satisfies never;
  }
}

/** With the sign of the divisor. */
function modulo(x: number, y: number): number {
  const rest = x % y;
  return rest !== 0 && rest < 0 !== y < 0 ? rest + y : rest;
}

export function holds(comparison: Comparison, a: Value, b: Value): boolean {
  switch (comparison) {
    case '==':
      return equal(a, b);
    case '!=':
      return !equal(a, b);
    case 'in':
      return contains(b, a);
    case 'not in':
      return !contains(b, a);
  }
  for (const each of [a, b])
    if (each instanceof Undefined) throw new TemplateError(`${each.what} is undefined`);
  const order = compare(a, b, comparison);
  switch (comparison) {
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
    default:
      return comparison satisfies never;
  }
}
