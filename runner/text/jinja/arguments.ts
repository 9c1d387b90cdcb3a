/** Arguments of a call, matched with the names of what is called. */
import { TemplateError } from './errors.ts';
import { Float, type Keywords, numeric, typeName, Undefined, type Value } from './values.ts';

/**
 * The arguments in the order of `names`; undefined where one is not given.
 *
 * @param required how many of them must be
 */
export function matched(
  called: string,
  names: readonly string[],
  required: number,
  args: readonly Value[],
  keywords: Keywords,
): (Value | undefined)[] {
  if (args.length > names.length)
    throw new TemplateError(`${called}() takes at most ${names.length} arguments, not ${args.length}`);
  const found: (Value | undefined)[] = names.map((_, i) => args[i]);
  for (const [name, value] of keywords) {
    const at = names.indexOf(name);
    if (at < 0) throw new TemplateError(`${called}() has no argument "${name}"`);
    if (found[at] !== undefined) throw new TemplateError(`${called}() is given "${name}" twice`);
    found[at] = value;
  }
  for (let i = 0; i < required; i++)
    if (found[i] === undefined) throw new TemplateError(`${called}() needs "${names[i]}"`);
  return found;
}

export function text(value: Value, what: string): string {
  if (typeof value === 'string') return value;
  throw wrong(value, what, 'str');
}

export function integer(value: Value, what: string): number {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'number') return value;
  throw wrong(value, what, 'int');
}

export function number(value: Value, what: string): number {
  const found = numeric(value);
  if (found === null) throw wrong(value, what, 'a number');
  return found;
}

function wrong(value: Value, what: string, expected: string): TemplateError {
  if (value instanceof Undefined) return new TemplateError(`${value.what} is undefined`);
  return new TemplateError(`${what} is ${typeName(value)}, not ${expected}`);
}

/** A number as an int or a float, as its operands were. */
export function asNumber(value: number, float: boolean): Value {
  if (float) return new Float(value);
  if (!Number.isSafeInteger(value))
    throw new TemplateError('an integer beyond 2^53, which is not supported here');
  return value;
}
