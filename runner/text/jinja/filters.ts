/** Jinja2's filters, with the tojson of transformers. Those that are not here are refused by name. */
import { asNumber, integer, matched, number, text } from './arguments.ts';
import type { Budget } from './budget.ts';
import { TemplateError, unsupported } from './errors.ts';
import { toJson } from './json.ts';
import { capitalize, joined, LINE_BREAK, replace, strip } from './strings.ts';
import { applyTest } from './tests.ts';
import {
  compare,
  equal,
  Float,
  iterate,
  type Keywords,
  lengthOf,
  numeric,
  print,
  Stream,
  Tuple,
  truth,
  typeName,
  Undefined,
  type Value,
} from './values.ts';

/** What filters need of the interpreter. */
export interface FilterContext {
  budget: Budget;
  /** object[key], as the template reads it. */
  item(object: Value, key: Value): Value;
}

type Filter = (value: Value, args: readonly Value[], keywords: Keywords, context: FilterContext) => Value;

const filters: Readonly<Record<string, Filter>> = {
  abs: (value) => asNumber(Math.abs(number(value, 'abs')), value instanceof Float),
  capitalize: (value) => capitalize(print(value)),
  lower: (value) => print(value).toLowerCase(),
  upper: (value) => print(value).toUpperCase(),
  string: print,
  title: (value) =>
    print(value)
      .split(/([-\s({[<]+)/)
      .map((part) => {
        const [first = '', ...rest] = part;
        return first.toUpperCase() + rest.join('').toLowerCase();
      })
      .join(''),
  trim(value, args, keywords) {
    const [characters = null] = matched('trim', ['chars'], 0, args, keywords);
    return strip(print(value), characters === null ? null : text(characters, 'trim'), 'both');
  },
  default(value, args, keywords) {
    const [other = '', falsy = false] = matched('default', ['default_value', 'boolean'], 0, args, keywords);
    return value instanceof Undefined || (truth(falsy) && !truth(value)) ? other : value;
  },
  length: lengthOf,
  list: (value) => [...iterate(value)],
  first(value) {
    const first = value instanceof Stream ? value.next() : iterate(value)[0];
    return first === undefined ? new Undefined('the first item of an empty sequence') : first;
  },
  last(value) {
    if (value instanceof Stream) throw new TemplateError("'generator' object is not reversible");
    const last = iterate(value).at(-1);
    return last === undefined ? new Undefined('the last item of an empty sequence') : last;
  },
  reverse(value) {
    if (typeof value === 'string') return [...value].reverse().join('');
    return new Stream([...iterate(value)].reverse());
  },
  items(value) {
    if (value instanceof Undefined) return new Stream([]);
    if (!(value instanceof Map)) throw new TemplateError('Can only get item pairs from a mapping.');
    return new Stream([...value].map((pair) => new Tuple(pair)));
  },
  dictsort(value, args, keywords, { budget }) {
    const names = ['case_sensitive', 'by', 'reverse'];
    const [exact = false, by = 'key', reverse = false] = matched('dictsort', names, 0, args, keywords);
    if (!(value instanceof Map)) throw new TemplateError(`dictsort of a ${typeName(value)}`);
    if (by !== 'key' && by !== 'value')
      throw new TemplateError('You can only sort by either "key" or "value"');
    const pairs = [...value].map((pair) => new Tuple(pair));
    const key = (pair: Tuple): Value => folded(pair.items[by === 'key' ? 0 : 1]!, exact);
    return sorted(pairs, key, reverse, budget) as Value[];
  },
  sort(value, args, keywords, context) {
    const names = ['reverse', 'case_sensitive', 'attribute'];
    const [reverse = false, exact = false, attribute = null] = matched('sort', names, 0, args, keywords);
    const key = (item: Value): Value => folded(attributeOf(item, attribute, context), exact);
    return sorted(iterate(value), key, reverse, context.budget);
  },
  unique(value, args, keywords, context) {
    const [exact = false, attribute = null] = matched(
      'unique',
      ['case_sensitive', 'attribute'],
      0,
      args,
      keywords,
    );
    const seen: Value[] = [];
    const kept: Value[] = [];
    for (const item of iterate(value)) {
      const key = folded(attributeOf(item, attribute, context), exact);
      context.budget.step(seen.length + 1);
      if (seen.some((each) => equal(each, key))) continue;
      seen.push(key);
      kept.push(item);
    }
    return new Stream(kept);
  },
  min: (value, args, keywords, context) => extreme('min', value, args, keywords, context),
  max: (value, args, keywords, context) => extreme('max', value, args, keywords, context),
  sum(value, args, keywords, context) {
    const [attribute = null, start = 0] = matched('sum', ['attribute', 'start'], 0, args, keywords);
    let float = start instanceof Float;
    let total = number(start, 'the start of a sum');
    for (const item of iterate(value)) {
      const each = attributeOf(item, attribute, context);
      float ||= each instanceof Float;
      total += number(each, 'an item of a sum');
    }
    return asNumber(total, float);
  },
  join(value, args, keywords, context) {
    const [by = '', attribute = null] = matched('join', ['d', 'attribute'], 0, args, keywords);
    const parts = iterate(value).map((item) => print(attributeOf(item, attribute, context)));
    return joined(parts, print(by), context.budget);
  },
  replace(value, args, keywords, { budget }) {
    const [old, put, count = null] = matched('replace', ['old', 'new', 'count'], 2, args, keywords);
    const most = count === null ? -1 : integer(count, 'the count of replace');
    return replace(print(value), print(old!), print(put!), most, budget);
  },
  indent(value, args, keywords, { budget }) {
    const [width = 4, first = false, blank = false] = matched(
      'indent',
      ['width', 'first', 'blank'],
      0,
      args,
      keywords,
    );
    const by = typeof width === 'string' ? width : spaces(integer(width, 'the width of indent'), budget);
    const lines = text(value, 'what is indented').split(LINE_BREAK);
    budget.build(lines.length * by.length);
    const moved = lines.map((line, i) => (i > 0 && (truth(blank) || line !== '') ? by + line : line));
    return (truth(first) ? by : '') + joined(moved, '\n', budget);
  },
  int(value, args, keywords) {
    const [other = 0, base = 10] = matched('int', ['default', 'base'], 0, args, keywords);
    if (base !== 10) throw unsupported('the filter int with a base');
    const known = numeric(value);
    const found = known ?? (typeof value === 'string' ? parsedNumber(value) : Number.NaN);
    return Number.isFinite(found) ? asNumber(Math.trunc(found), false) : other;
  },
  float(value, args, keywords) {
    const [other = new Float(0)] = matched('float', ['default'], 0, args, keywords);
    const found = numeric(value) ?? (typeof value === 'string' ? parsedNumber(value) : Number.NaN);
    return Number.isNaN(found) ? other : new Float(found);
  },
  round(value, args, keywords) {
    const [precision = 0, method = 'common'] = matched('round', ['precision', 'method'], 0, args, keywords);
    const scale = 10 ** integer(precision, 'the precision of round');
    const x = number(value, 'what is rounded');
    if (method === 'ceil' || method === 'floor') return new Float(Math[method](x * scale) / scale);
    if (method !== 'common') throw new TemplateError('method must be common, ceil or floor');
    if (!(value instanceof Float)) return asNumber(x, false);
    // Halves go to the even neighbour, and what is a half is decided by the binary value.
    if (scale !== 1) throw unsupported('the filter round with a precision');
    const below = Math.floor(x);
    const half = x - below;
    return new Float(half < 0.5 || (half === 0.5 && below % 2 === 0) ? below : below + 1);
  },
  map(value, args, keywords, context) {
    if (args.length === 0 && keywords.has('attribute')) {
      const [attribute, other] = matched('map', ['attribute', 'default'], 0, args, keywords);
      return mapped(value, (item) => attributeOf(item, attribute!, context, other));
    }
    const [name, ...rest] = args;
    if (name === undefined) throw new TemplateError('map requires a filter argument');
    const filter = text(name, 'the filter of map');
    return mapped(value, (item) => applyFilter(filter, item, rest, keywords, context));
  },
  select: (value, args, _, context) => selected(value, null, args, true, context),
  reject: (value, args, _, context) => selected(value, null, args, false, context),
  selectattr: (value, [attribute, ...args], _, context) => selected(value, attribute, args, true, context),
  rejectattr: (value, [attribute, ...args], _, context) => selected(value, attribute, args, false, context),
  tojson(value, args, keywords, { budget }) {
    const names = ['ensure_ascii', 'indent', 'separators', 'sort_keys'];
    const [ascii = false, indent = null, separators = null, sort = false] = matched(
      'tojson',
      names,
      0,
      args,
      keywords,
    );
    const by =
      indent === null
        ? null
        : typeof indent === 'string'
          ? indent
          : spaces(integer(indent, 'the indent of tojson'), budget);
    const given = separators === null ? null : iterate(separators).map((each) => text(each, 'a separator'));
    if (given !== null && given.length !== 2) throw new TemplateError('separators of tojson are two');
    const style = {
      ascii: truth(ascii),
      indent: by,
      separators: [given?.[0] ?? (by === null ? ', ' : ','), given?.[1] ?? ': '] as const,
      sorted: truth(sort),
    };
    return toJson(value, style, budget);
  },
};

const ALIASES: Readonly<Record<string, string>> = { count: 'length', d: 'default' };

/** @throws TemplateError for a filter that is not known, or that fails on the value */
export function applyFilter(
  name: string,
  value: Value,
  args: readonly Value[],
  keywords: Keywords,
  context: FilterContext,
): Value {
  const known = Object.hasOwn(ALIASES, name) ? ALIASES[name]! : name;
  if (!Object.hasOwn(filters, known)) throw unsupported(`the filter "${name}"`);
  context.budget.step();
  const result = filters[known]!(value, args, keywords, context);
  if (Array.isArray(result)) context.budget.step(result.length);
  if (typeof result === 'string') context.budget.build(result.length);
  return result;
}

function spaces(count: number, budget: Budget): string {
  budget.build(count);
  return ' '.repeat(Math.max(0, count));
}

/** The value of a string as Python's int() and float() read it; NaN where they do not. */
function parsedNumber(value: string): number {
  const trimmed = strip(value, null, 'both');
  return /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i.test(trimmed) ? Number(trimmed) : Number.NaN;
}

function mapped(value: Value, use: (item: Value) => Value): Stream {
  function* each(): Generator<Value> {
    for (const item of iterate(value)) yield use(item);
  }
  return new Stream(each());
}

/** Along a.b.0, as make_attrgetter goes; the item itself where there is no attribute. */
function attributeOf(
  item: Value,
  attribute: Value,
  { item: read }: FilterContext,
  otherwise: Value = null,
): Value {
  if (attribute === null) return item;
  const parts: Value[] =
    typeof attribute === 'string'
      ? attribute.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part))
      : [attribute];
  return parts.reduce((object, part) => {
    const found = read(object, part);
    return found instanceof Undefined && otherwise !== null ? otherwise : found;
  }, item);
}

function folded(value: Value, exact: Value): Value {
  return typeof value === 'string' && !truth(exact) ? value.toLowerCase() : value;
}

function sorted(
  items: readonly Value[],
  key: (item: never) => Value,
  reverse: Value,
  budget: Budget,
): Value[] {
  const keyed = items.map((item) => ({ item, key: key(item as never) }));
  const sign = truth(reverse) ? -1 : 1;
  keyed.sort((a, b) => {
    budget.step();
    return sign * compare(a.key, b.key, '<');
  });
  return keyed.map(({ item }) => item);
}

function extreme(
  name: 'min' | 'max',
  value: Value,
  args: readonly Value[],
  keywords: Keywords,
  context: FilterContext,
): Value {
  const [exact = false, attribute = null] = matched(name, ['case_sensitive', 'attribute'], 0, args, keywords);
  const key = (item: Value): Value => folded(attributeOf(item, attribute, context), exact);
  const sign = name === 'min' ? 1 : -1;
  let best: Value | undefined;
  for (const item of iterate(value))
    if (best === undefined || sign * compare(key(item), key(best), '<') < 0) best = item;
  return best ?? new Undefined('the extreme of an empty sequence');
}

function selected(
  value: Value,
  attribute: Value | undefined,
  args: readonly Value[],
  wanted: boolean,
  context: FilterContext,
): Value {
  if (attribute === undefined) throw new TemplateError('Missing parameter for attribute name');
  const [test, ...rest] = args;
  const holds = (item: Value): boolean => {
    context.budget.step();
    const found = attributeOf(item, attribute, context);
    return test === undefined ? truth(found) : applyTest(text(test, 'a test'), found, rest);
  };
  function* kept(): Generator<Value> {
    for (const item of iterate(value)) if (holds(item) === wanted) yield item;
  }
  return new Stream(kept());
}
