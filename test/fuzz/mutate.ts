/** Damage: of bytes, of texts, and of JSON by its structure. */
import { MalformedError } from '../../runner/errors.ts';
import { parseJson } from '../../runner/formats/json.ts';
import type { Random } from '../../runner/math/random.ts';
import { mutated } from '../unit/formats/hostile.ts';
import { pick } from './format.ts';

export { mutated };

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const NUMBERS = [0, -1, 1, 0.5, 1e12, 2 ** 31, 2 ** 53, 1e308, -1e308, 1e-320, 7, 65536];
const STRINGS = [
  '',
  ' ',
  'null',
  '../../x',
  '__proto__',
  'constructor',
  '\u0000',
  '\u202e',
  '\ud800',
  'a'.repeat(5_000),
];

/** Characters of JSON that one change adds by repeating, about. */
const MOST_REPEATED = 100_000;

/** One to four changes of values anywhere in it: others of their kind or of another, missing, repeated, nested, swapped. */
export function damagedJson(original: unknown, stream: Random, words: readonly string[] = []): unknown {
  let root = structuredClone(original) as Json;
  for (let change = stream.integer(4); change >= 0; change--) {
    const places = placesOf(root);
    const place = pick(stream, places);
    if (place === undefined) {
      root = replacement(root, stream, words);
      continue;
    }
    const { parent, key } = place;
    const other = pick(stream, places);
    const action = stream.integer(10);
    if (action === 0) remove(parent, key);
    else if (action === 1 && other !== undefined)
      set(parent, key, structuredClone(get(other.parent, other.key)));
    else if (action === 2 && Array.isArray(parent)) {
      // Repeated repetitions would multiply: a case is damage, not gigabytes of it.
      const text = JSON.stringify(get(parent, key)) ?? '';
      const times = Math.min(1 + stream.integer(50), Math.ceil(MOST_REPEATED / (text.length + 1)));
      parent.push(...Array.from({ length: times }, () => structuredClone(get(parent, key))));
    } else if (action === 3 && !Array.isArray(parent)) {
      set(parent, pick(stream, [...STRINGS, ...words]), get(parent, key));
      if (stream.integer(2) === 0) remove(parent, key);
    } else set(parent, key, replacement(get(parent, key), stream, words));
  }
  return root;
}

interface Place {
  parent: Json[] | { [key: string]: Json };
  key: string;
}

function placesOf(value: Json, found: Place[] = [], limit = 4_000): Place[] {
  if (typeof value !== 'object' || value === null || found.length > limit) return found;
  for (const key of Object.keys(value)) {
    found.push({ parent: value, key });
    placesOf(get(value, key), found, limit);
    if (found.length > limit) break;
  }
  return found;
}

function get(parent: Place['parent'], key: string): Json {
  return (parent as { [key: string]: Json })[key]!;
}

function set(parent: Place['parent'], key: string, value: Json): void {
  Object.defineProperty(parent, key, { value, enumerable: true, configurable: true, writable: true });
}

function remove(parent: Place['parent'], key: string): void {
  if (Array.isArray(parent)) parent.splice(Number(key), 1);
  else delete parent[key];
}

function replacement(value: Json, stream: Random, words: readonly string[]): Json {
  const kinds: (() => Json)[] = [
    () => null,
    () => pick(stream, [true, false]),
    () => pick(stream, NUMBERS),
    () => pick(stream, STRINGS),
    () => [],
    () => ({}),
    () => [value],
    () => nested(1_000),
  ];
  if (typeof value === 'number')
    kinds.push(...[value + 1, -value, value * 1000, value / 3].map((each) => () => each));
  if (typeof value === 'string')
    kinds.push(
      () => damagedText(value, stream, words),
      () => pick(stream, [...words, value]),
    );
  return pick(stream, kinds)();
}

function nested(depth: number): Json {
  let value: Json = 1;
  for (let i = 0; i < depth; i++) value = [value];
  return value;
}

/** As it comes out of a file. @throws MalformedError as readers of JSON do */
export function parsed(value: unknown): unknown {
  try {
    return parseJson(JSON.stringify(value));
  } catch (cause) {
    throw new MalformedError(
      { thing: 'a file', found: String(cause), expected: 'JSON', next: '.' },
      { cause },
    );
  }
}

/** A text with pieces of it gone, doubled, exchanged, or taken from the words that its format gives a meaning. */
export function damagedText(original: string, stream: Random, words: readonly string[] = []): string {
  let text = original;
  for (let change = stream.integer(4); change >= 0; change--) {
    const at = stream.integer(text.length + 1);
    const to = Math.min(text.length, at + 1 + stream.integer(12));
    const piece = pick(stream, [
      pick(stream, [...words, 'x']),
      text.slice(at, to).repeat(2),
      pick(stream, STRINGS).slice(0, 20),
    ]);
    text =
      text.slice(0, at) +
      (stream.integer(3) === 0 ? '' : piece) +
      text.slice(stream.integer(2) === 0 ? at : to);
  }
  return text;
}
