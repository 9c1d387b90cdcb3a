/** Methods of Python's str. Lengths and positions count code points. */
import { integer, matched, text } from './arguments.ts';
import type { Budget } from './budget.ts';
import { TemplateError, unsupported } from './errors.ts';
import { SPACE } from './lexer.ts';
import { iterate, type Keywords, print, Tuple, type Value } from './values.ts';

type Method = (self: string, args: readonly Value[], keywords: Keywords, budget: Budget) => Value;

/** Line breaks of str.splitlines. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: Python breaks lines there
export const LINE_BREAK = /\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/;
const LEADING = new RegExp(`^${SPACE}+`, 'u');
const SPACES = new RegExp(`${SPACE}+`, 'u');
const ONLY_SPACES = new RegExp(`^${SPACE}+$`, 'u');

/** Less the characters of `characters` at its sides; white space where it is null. */
export function strip(self: string, characters: string | null, side: 'left' | 'right' | 'both'): string {
  let result = self;
  if (characters === null) {
    if (side !== 'right') result = result.replace(LEADING, '');
    return side === 'left' ? result : trimEnd(result);
  }
  const taken = new Set(characters);
  const points = [...self];
  let [start, end] = [0, points.length];
  if (side !== 'right') while (start < end && taken.has(points[start]!)) start++;
  if (side !== 'left') while (end > start && taken.has(points[end - 1]!)) end--;
  return points.slice(start, end).join('');
}

/** A pattern that ends in $ is tried at every run of white space: this goes back from the end. */
function trimEnd(value: string): string {
  let end = value.length;
  while (end > 0 && ONLY_SPACES.test(value[end - 1]!)) end--;
  return value.slice(0, end);
}

function stripper(name: string, side: 'left' | 'right' | 'both'): Method {
  return (self, args, keywords) => {
    const [characters = null] = matched(name, ['chars'], 0, args, keywords);
    return strip(self, characters === null ? null : text(characters, `${name}()'s argument`), side);
  };
}

/** Parts between separators, at most `most` cuts from the left; runs of white space where there is no separator. */
function split(self: string, separator: string | null, most: number): string[] {
  if (separator === '') throw new TemplateError('empty separator');
  if (separator !== null) {
    const parts = self.split(separator);
    if (most < 0 || parts.length <= most + 1) return parts;
    return [...parts.slice(0, most), parts.slice(most).join(separator)];
  }
  const parts: string[] = [];
  let rest = self.replace(LEADING, '');
  while (rest !== '') {
    const cut = most >= 0 && parts.length >= most ? null : SPACES.exec(rest);
    if (cut === null) {
      parts.push(most >= 0 && parts.length >= most ? rest : trimEnd(rest));
      break;
    }
    parts.push(rest.slice(0, cut.index));
    rest = rest.slice(cut.index + cut[0].length);
  }
  return parts;
}

function splitFromRight(self: string, separator: string | null, most: number): string[] {
  if (most < 0) return split(self, separator, -1);
  if (separator === null) throw unsupported('rsplit() at white space with a limit');
  if (separator === '') throw new TemplateError('empty separator');
  const parts = self.split(separator);
  if (parts.length <= most + 1) return parts;
  const cut = parts.length - most;
  return [parts.slice(0, cut).join(separator), ...parts.slice(cut)];
}

export function replace(self: string, old: string, put: string, most: number, budget: Budget): string {
  const parts = old === '' ? ['', ...self, ''] : self.split(old);
  const cuts = most < 0 ? parts.length - 1 : Math.min(most, parts.length - 1);
  budget.build(self.length + cuts * Math.max(0, put.length - old.length));
  const done = parts.slice(0, cuts + 1).join(put);
  const rest = parts.slice(cuts + 1);
  return rest.length === 0 ? done : done + old + rest.join(old);
}

/** The first character in upper case, the others in lower. */
export function capitalize(self: string): string {
  const [first = '', ...rest] = self;
  return titleCase(first) + rest.join('').toLowerCase();
}

function titleCase(character: string): string {
  // Digraphs have a title case of their own, and ligatures become two letters.
  const upper = character.toUpperCase();
  if (
    /[\u01c4-\u01cc\u01f1-\u01f3\u1f80-\u1faf\u1fbc\u1fcc\u1ffc]/.test(character) ||
    upper.length > character.length
  )
    throw unsupported(`the title case of ${JSON.stringify(character)}`);
  return upper;
}

/** str.title: a letter after what is no letter in upper case, others in lower. */
function title(self: string): string {
  let inside = false;
  let result = '';
  for (const character of self) {
    result += inside ? character.toLowerCase() : titleCase(character);
    inside = /\p{Cased}/u.test(character);
  }
  return result;
}

/** Starts or ends with one of the strings. */
function bounded(name: string, has: (self: string, part: string) => boolean): Method {
  return (self, args, keywords) => {
    const [parts, start, end] = matched(name, ['prefix', 'start', 'end'], 1, args, keywords);
    if (start !== undefined || end !== undefined) throw unsupported(`${name}() from a position on`);
    const list = parts instanceof Tuple ? parts.items : [parts!];
    return list.some((part) => has(self, text(part, `${name}()'s argument`)));
  };
}

function found(name: string, at: (self: string, part: string) => number, must: boolean): Method {
  return (self, args, keywords) => {
    const [part, ...range] = matched(name, ['sub', 'start', 'end'], 1, args, keywords);
    if (range.some((each) => each !== undefined)) throw unsupported(`${name}() from a position on`);
    const index = at(self, text(part!, `${name}()'s argument`));
    if (index < 0 && must) throw new TemplateError('substring not found');
    return index < 0 ? -1 : [...self.slice(0, index)].length;
  };
}

/** All characters are of a kind, and there is one. */
function all(pattern: RegExp): Method {
  return (self) => pattern.test(self);
}

function padded(name: string, sides: (missing: number) => [number, number]): Method {
  return (self, args, keywords, budget) => {
    const [width, fill = ' '] = matched(name, ['width', 'fillchar'], 1, args, keywords);
    const wanted = integer(width!, `${name}()'s width`);
    const missing = Math.max(0, wanted - [...self].length);
    const by = text(fill, `${name}()'s fill`);
    if ([...by].length !== 1) throw new TemplateError('the fill character must be one character');
    budget.build(self.length + missing * by.length);
    const [left, right] = sides(missing);
    return by.repeat(left) + self + by.repeat(right);
  };
}

/** Has letters with a case, and all of them are capitals. */
export function isUpper(self: string): boolean {
  return /\p{Cased}/u.test(self) && !/[\p{Lowercase}\p{Lt}]/u.test(self);
}

export function isLower(self: string): boolean {
  return /\p{Cased}/u.test(self) && !/[\p{Uppercase}\p{Lt}]/u.test(self);
}

export const stringMethods: Readonly<Record<string, Method>> = {
  strip: stripper('strip', 'both'),
  lstrip: stripper('lstrip', 'left'),
  rstrip: stripper('rstrip', 'right'),
  upper: (self) => self.toUpperCase(),
  lower: (self) => self.toLowerCase(),
  capitalize,
  title,
  startswith: bounded('startswith', (self, part) => self.startsWith(part)),
  endswith: bounded('endswith', (self, part) => self.endsWith(part)),
  find: found('find', (self, part) => self.indexOf(part), false),
  rfind: found('rfind', (self, part) => self.lastIndexOf(part), false),
  index: found('index', (self, part) => self.indexOf(part), true),
  rindex: found('rindex', (self, part) => self.lastIndexOf(part), true),
  count(self, args, keywords) {
    const [part] = matched('count', ['sub'], 1, args, keywords);
    const sub = text(part!, "count()'s argument");
    return sub === '' ? [...self].length + 1 : self.split(sub).length - 1;
  },
  split(self, args, keywords) {
    const [separator = null, most = -1] = matched('split', ['sep', 'maxsplit'], 0, args, keywords);
    return split(
      self,
      separator === null ? null : text(separator, 'the separator'),
      integer(most, 'maxsplit'),
    );
  },
  rsplit(self, args, keywords) {
    const [separator = null, most = -1] = matched('rsplit', ['sep', 'maxsplit'], 0, args, keywords);
    const by = separator === null ? null : text(separator, 'the separator');
    return splitFromRight(self, by, integer(most, 'maxsplit'));
  },
  splitlines(self, args, keywords) {
    const [keep = false] = matched('splitlines', ['keepends'], 0, args, keywords);
    if (keep !== false) throw unsupported('splitlines() that keeps line ends');
    const lines = self.split(LINE_BREAK);
    if (lines.at(-1) === '') lines.pop();
    return lines;
  },
  partition(self, args, keywords) {
    const by = text(matched('partition', ['sep'], 1, args, keywords)[0]!, 'the separator');
    if (by === '') throw new TemplateError('empty separator');
    const at = self.indexOf(by);
    return new Tuple(at < 0 ? [self, '', ''] : [self.slice(0, at), by, self.slice(at + by.length)]);
  },
  rpartition(self, args, keywords) {
    const by = text(matched('rpartition', ['sep'], 1, args, keywords)[0]!, 'the separator');
    if (by === '') throw new TemplateError('empty separator');
    const at = self.lastIndexOf(by);
    return new Tuple(at < 0 ? ['', '', self] : [self.slice(0, at), by, self.slice(at + by.length)]);
  },
  replace(self, args, keywords, budget) {
    const [old, put, most = -1] = matched('replace', ['old', 'new', 'count'], 2, args, keywords);
    const [a, b] = [text(old!, "replace()'s first argument"), text(put!, "replace()'s second argument")];
    return replace(self, a, b, integer(most, 'count'), budget);
  },
  join(self, args, keywords, budget) {
    const parts = iterate(matched('join', ['iterable'], 1, args, keywords)[0]!);
    return joined(
      parts.map((part) => text(part, "an item of join()'s argument")),
      self,
      budget,
    );
  },
  removeprefix(self, args, keywords) {
    const part = text(matched('removeprefix', ['prefix'], 1, args, keywords)[0]!, 'the prefix');
    return self.startsWith(part) ? self.slice(part.length) : self;
  },
  removesuffix(self, args, keywords) {
    const part = text(matched('removesuffix', ['suffix'], 1, args, keywords)[0]!, 'the suffix');
    return part !== '' && self.endsWith(part) ? self.slice(0, -part.length) : self;
  },
  ljust: padded('ljust', (missing) => [0, missing]),
  rjust: padded('rjust', (missing) => [missing, 0]),
  isspace: all(ONLY_SPACES),
  isalpha: all(/^\p{L}+$/u),
  isalnum: all(/^[\p{L}\p{N}]+$/u),
  isdigit: all(/^[\p{Nd}\u00b2\u00b3\u00b9\u2070-\u2079\u2080-\u2089]+$/u),
  isdecimal: all(/^\p{Nd}+$/u),
  isascii: (self) => [...self].every((character) => character <= '\x7f'),
  isupper: isUpper,
  islower: isLower,
  format(self, args, keywords, budget) {
    let next = 0;
    const result = self.replace(/\{\{|\}\}|\{([^{}]*)\}|[{}]/g, (whole, field: string | undefined) => {
      if (whole === '{{' || whole === '}}') return whole[0]!;
      if (field === undefined || !/^(?:\d*|[a-z_]\w*)$/i.test(field))
        throw unsupported(`format() of ${whole}`);
      const value =
        field === '' ? args[next++] : /^\d/.test(field) ? args[Number(field)] : keywords.get(field);
      if (value === undefined) throw new TemplateError(`format() is not given "${field}"`);
      return print(value);
    });
    budget.build(result.length);
    return result;
  },
};

export function joined(parts: readonly string[], by: string, budget: Budget): string {
  budget.step(parts.length);
  budget.build(parts.reduce((sum, part) => sum + part.length, 0) + by.length * Math.max(0, parts.length - 1));
  return parts.join(by);
}

/** Names of str's other methods: known to Python, and refused here by name. */
export const OTHER_STRING_METHODS = new Set(
  'casefold center encode expandtabs format_map isidentifier isnumeric isprintable istitle maketrans swapcase translate zfill'.split(
    ' ',
  ),
);
