/** Functions that every template of transformers can call. */
import { integer } from './arguments.ts';
import type { Budget } from './budget.ts';
import { TemplateError, unsupported } from './errors.ts';
import { Callable, iterate, keyOf, Namespace, print, type Value, View } from './values.ts';

/** @param now the time that strftime_now() tells */
export function globals(budget: Budget, now: () => Date): [string, Value][] {
  const functions: Record<string, Callable['call']> = {
    range(args) {
      const [a, b, c = 1] = args.map((each) => integer(each, 'an argument of range()'));
      if (a === undefined || args.length > 3) throw new TemplateError('range() takes 1 to 3 arguments');
      const [start, stop] = b === undefined ? [0, a] : [a, b];
      if (c === 0) throw new TemplateError('range() arg 3 must not be zero');
      const length = Math.max(0, Math.ceil((stop - start) / c));
      if (length > MAX_RANGE)
        throw new TemplateError(`Range too big. The sandbox blocks ranges larger than ${MAX_RANGE}`);
      budget.step(length);
      return new View(
        'range',
        Array.from({ length }, (_, i) => start + i * c),
      );
    },
    namespace(args, keywords) {
      const made = new Namespace();
      for (const [name, value] of [...pairs(args), ...keywords]) setField(made, print(name), value);
      return made;
    },
    dict: (args, keywords) =>
      new Map([...pairs(args), ...keywords].map(([key, value]) => [keyOf(key), value])),
    joiner(args) {
      let used = false;
      return new Callable('joiner', () => {
        const text = used ? (args[0] ?? ', ') : '';
        used = true;
        return text;
      });
    },
    raise_exception([message = null]) {
      throw new TemplateError(print(message));
    },
    strftime_now: ([format = '']) => formatTime(now(), print(format)),
    cycler() {
      throw unsupported('cycler()');
    },
    lipsum() {
      throw unsupported('lipsum()');
    },
  };
  return Object.entries(functions).map(([name, call]) => [name, new Callable(name, call)]);
}

/** What Jinja2's sandbox allows. */
const MAX_RANGE = 100_000;

function pairs(args: readonly Value[]): [Value, Value][] {
  const [from] = args;
  if (from === undefined) return [];
  if (from instanceof Map) return [...from];
  return iterate(from).map((pair) => {
    const [key, value] = iterate(pair);
    if (key === undefined || value === undefined)
      throw new TemplateError('expected pairs of a key and a value');
    return [key, value];
  });
}

const MONTHS = 'January February March April May June July August September October November December'.split(
  ' ',
);
const DAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');

/** strftime in the C locale, local time. */
function formatTime(date: Date, format: string): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const fields: Readonly<Record<string, () => string>> = {
    Y: () => String(date.getFullYear()),
    y: () => two(date.getFullYear() % 100),
    m: () => two(date.getMonth() + 1),
    B: () => MONTHS[date.getMonth()]!,
    b: () => MONTHS[date.getMonth()]!.slice(0, 3),
    d: () => two(date.getDate()),
    A: () => DAYS[date.getDay()]!,
    a: () => DAYS[date.getDay()]!.slice(0, 3),
    H: () => two(date.getHours()),
    M: () => two(date.getMinutes()),
    S: () => two(date.getSeconds()),
    '%': () => '%',
  };
  return format.replace(/%(.?)/gs, (whole, letter: string) => {
    const field = Object.hasOwn(fields, letter) ? fields[letter] : undefined;
    if (field === undefined) throw unsupported(`strftime_now() with ${whole}`);
    return field();
  });
}

/** @throws TemplateError for names that transformers does not let namespaces have */
export function setField(namespace: Namespace, name: string, value: Value): void {
  if (name.startsWith('_'))
    throw new TemplateError(`underscore-prefixed attributes on a namespace, but got '${name}'`);
  namespace.fields.set(name, value);
}
