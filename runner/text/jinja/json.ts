/** json.dumps of Python, as the filter tojson of transformers calls it. */
import type { Budget } from './budget.ts';
import { TemplateError } from './errors.ts';
import { compareText, Float, floatText, repr, Tuple, typeName, type Value } from './values.ts';

export interface JsonStyle {
  ascii: boolean;
  /** What a level is moved in by; null writes all in one line. */
  indent: string | null;
  separators: readonly [string, string];
  sorted: boolean;
}

/** @throws TemplateError for what JSON cannot hold */
export function toJson(value: Value, style: JsonStyle, budget: Budget, level = 0): string {
  budget.step();
  if (value === null) return 'null';
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return repr(value);
  if (typeof value === 'string') return quoted(value, style.ascii);
  if (value instanceof Float) {
    if (Number.isNaN(value.value)) return 'NaN';
    return floatText(value.value).replace('inf', 'Infinity');
  }
  const list = Array.isArray(value) ? value : value instanceof Tuple ? value.items : null;
  let parts: string[];
  if (list !== null) parts = list.map((item) => toJson(item, style, budget, level + 1));
  else if (value instanceof Map) {
    const entries = [...value].map(([key, item]): [string, Value] => [keyText(key), item]);
    if (style.sorted) entries.sort(([a], [b]) => compareText(a, b));
    parts = entries.map(
      ([key, item]) =>
        `${quoted(key, style.ascii)}${style.separators[1]}${toJson(item, style, budget, level + 1)}`,
    );
  } else throw new TemplateError(`Object of type ${typeName(value)} is not JSON serializable`);
  const [open, close] = list !== null ? ['[', ']'] : ['{', '}'];
  if (parts.length === 0) return open + close;
  const [comma] = style.separators;
  const text =
    style.indent === null
      ? open + parts.join(comma) + close
      : `${open}\n${style.indent.repeat(level + 1)}${parts.join(`${comma}\n${style.indent.repeat(level + 1)}`)}\n${style.indent.repeat(level)}${close}`;
  budget.build(text.length);
  return text;
}

function keyText(key: Value): string {
  if (typeof key === 'string') return key;
  if (key === null) return 'null';
  return typeof key === 'boolean' ? String(key) : repr(key);
}

const NAMED: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\b': '\\b',
  '\f': '\\f',
};

function quoted(text: string, ascii: boolean): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: JSON escapes these
  const escaped = text.replace(ascii ? /["\\\x00-\x1f\x7f-\uffff]/g : /["\\\x00-\x1f]/g, (unit) => {
    if (unit === '\x7f') return unit;
    return NAMED[unit] ?? `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
  return `"${escaped}"`;
}
