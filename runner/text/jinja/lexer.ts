/** Source of a chat template to tokens, as Jinja2 3.1 reads it with trim_blocks and lstrip_blocks. */
import { TemplateError } from './errors.ts';

export type TokenKind =
  | 'data'
  | 'begin'
  | 'end'
  | 'open'
  | 'close'
  | 'name'
  | 'string'
  | 'integer'
  | 'float'
  | 'operator';

/** `begin` and `end` stand around a block tag, `open` and `close` around a printed expression. */
export interface Token {
  kind: TokenKind;
  value: string;
  line: number;
}

/** White space to Python's `str` and `re`: unlike JavaScript's without U+FEFF, with U+0085 and U+001C to U+001F. */
export const SPACE =
  '[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';

const SPACES = new RegExp(`${SPACE}+`, 'y');
const TRAILING_SPACES = new RegExp(`${SPACE}+$`);
const ONLY_SPACES = new RegExp(`^${SPACE}+$`);
const RAW_BEGIN = new RegExp(`\\{%([-+]?)${SPACE}*raw${SPACE}*(?:-%\\}${SPACE}*|%\\})`, 'y');
const RAW_END = new RegExp(`\\{%([-+]?)${SPACE}*endraw${SPACE}*(?:\\+%\\}|-%\\}${SPACE}*|%\\}\\n?)`, 'g');
const COMMENT_END = new RegExp(`\\+#\\}|-#\\}${SPACE}*|#\\}\\n?`, 'g');
const BLOCK_END = new RegExp(`\\+%\\}|-%\\}${SPACE}*|%\\}\\n?`, 'y');
const PRINT_END = new RegExp(`-\\}\\}${SPACE}*|\\}\\}`, 'y');
const BEGIN = /\{[%{#]/g;
const FLOAT = /(?<!\.)(?:\d+_)*\d+(?:(?:\.(?:\d+_)*\d+)?e[+-]?(?:\d+_)*\d+|\.(?:\d+_)*\d+)/iy;
const INTEGER = /0b(?:_?[01])+|0o(?:_?[0-7])+|0x(?:_?[\da-f])+|[1-9](?:_?\d)*|0(?:_?0)*/iy;
const NAME = /[\p{L}\p{N}\p{M}_]+/uy;
const STRING = /'[^'\\]*(?:\\.[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*"/sy;
const OPERATOR = /\/\/|\*\*|==|!=|>=|<=|[-+/*%~[\](){}<>=.:|,;]/y;
const CLOSING: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

/** @throws TemplateError where the source is no template */
export function tokens(text: string): Token[] {
  const source = text.replace(/\r\n|\r/g, '\n').replace(/\n$/, '');
  const found: Token[] = [];
  const newlines = lineCounter(source);
  let at = 0;
  let lineStarting = true;
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    return pattern.exec(source);
  };
  const push = (kind: TokenKind, value: string): void => {
    found.push({ kind, value, line: newlines(at) });
  };
  /** Text before a tag, less what the tag's sign and lstrip_blocks take of it. */
  const before = (data: string, sign: string, printed: boolean): string => {
    if (sign === '-') return data.replace(TRAILING_SPACES, '');
    if (sign === '+' || printed) return data;
    const start = data.lastIndexOf('\n') + 1;
    return (start > 0 || lineStarting) && ONLY_SPACES.test(data.slice(start)) ? data.slice(0, start) : data;
  };
  const took = (end: number): void => {
    lineStarting = source[end - 1] === '\n';
    at = end;
  };

  while (at < source.length) {
    BEGIN.lastIndex = at;
    const begin = BEGIN.exec(source);
    if (begin === null) {
      push('data', source.slice(at));
      break;
    }
    const data = source.slice(at, begin.index);
    const start = begin.index;
    const sign = /[-+]/.test(source[start + 2] ?? '') ? source[start + 2]! : '';
    const kind = begin[0];
    const kept = before(data, sign, kind === '{{');
    if (kept !== '') push('data', kept);
    at = start;
    const raw = kind === '{%' ? match(RAW_BEGIN) : null;
    if (raw !== null) {
      took(start + raw[0].length);
      const end = match(RAW_END);
      if (end === null) throw new TemplateError('a raw block without an end');
      const inner = before(source.slice(at, end.index), end[1]!, false);
      if (inner !== '') push('data', inner);
      took(end.index + end[0].length);
      continue;
    }
    took(start + 2 + sign.length);
    if (kind === '{#') {
      const end = match(COMMENT_END);
      if (end === null) throw new TemplateError('a comment without an end');
      took(end.index + end[0].length);
      continue;
    }
    const [open, close, ending] =
      kind === '{%' ? (['begin', 'end', BLOCK_END] as const) : (['open', 'close', PRINT_END] as const);
    push(open, kind);
    inside(close, ending);
  }
  return found;

  function inside(close: TokenKind, ending: RegExp): void {
    const brackets: string[] = [];
    for (;;) {
      if (at >= source.length) throw new TemplateError(`line ${newlines(at)}: a tag without an end`);
      const end = brackets.length === 0 ? match(ending) : null;
      if (end !== null) {
        push(close, end[0]);
        took(end.index + end[0].length);
        return;
      }
      const space = match(SPACES);
      if (space !== null) {
        took(at + space[0].length);
        continue;
      }
      const rule = RULES.find(([, pattern]) => match(pattern) !== null);
      if (rule === undefined)
        throw new TemplateError(`line ${newlines(at)}: unexpected character ${JSON.stringify(source[at])}`);
      const [kind, pattern] = rule;
      const value = source.slice(at, pattern.lastIndex);
      if (kind === 'operator') {
        if (CLOSING[value] !== undefined) brackets.push(CLOSING[value]);
        else if (/[)\]}]/.test(value) && brackets.pop() !== value)
          throw new TemplateError(`line ${newlines(at)}: unexpected "${value}"`);
      }
      push(kind, kind === 'string' ? unescaped(value.slice(1, -1)) : value);
      took(at + value.length);
    }
  }
}

const RULES: readonly (readonly [TokenKind, RegExp])[] = [
  ['float', FLOAT],
  ['integer', INTEGER],
  ['name', NAME],
  ['string', STRING],
  ['operator', OPERATOR],
];

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  b: '\b',
  f: '\f',
  v: '\v',
  a: '\x07',
  "'": "'",
  '"': '"',
  '\\': '\\',
  '\n': '',
};

/** Python's escapes in string literals; an escape that it does not know stays as it is written. */
function unescaped(text: string): string {
  return text.replace(
    /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{1,3})|(.))/gs,
    (
      whole,
      x: string | undefined,
      u: string | undefined,
      long: string | undefined,
      octal: string | undefined,
      one,
    ) => {
      const hex = x ?? u ?? long;
      if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
      if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8));
      if (/[xuUN]/.test(one)) throw new TemplateError(`the escape ${whole} in a string`);
      return ESCAPES[one] ?? whole;
    },
  );
}

/** The line that an offset lies on, for offsets that grow. */
function lineCounter(source: string): (at: number) => number {
  let [line, seen] = [1, 0];
  return (at) => {
    for (; seen < at; seen++) if (source[seen] === '\n') line++;
    return line;
  };
}
