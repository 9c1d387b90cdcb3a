/**
 * Two records about one SAE as one: what either is silent about, the other says. Where both speak they must say the same,
 * unless the second is to replace the first.
 */
import type { EvaluationRecord } from '../report/schema.ts';
import { contradiction, modelKey } from './same-sae.ts';

/** Which fields tell an array's entries apart. */
const KEYS: readonly (readonly string[])[] = [['at'], ['note', 'name'], ['name']];

type Json = Record<string, unknown>;

/**
 * @param path the file that the second record is of
 * @param replace whether the second one's values count where both have one
 * @throws UserError naming the first field of which they say different things, and both values
 */
export function merged(
  first: EvaluationRecord,
  second: EvaluationRecord,
  path: string,
  replace = false,
): EvaluationRecord {
  const conflict = (place: readonly string[], a: unknown, b: unknown): unknown => {
    if (replace) return b;
    throw contradiction(path, place.join('.'), [a, b], first.provenance.source);
  };
  const both = (a: unknown, b: unknown, place: readonly string[]): unknown => {
    if (silent(a)) return b ?? a;
    if (silent(b)) return a;
    if (Array.isArray(a) && Array.isArray(b)) return joined(a, b, place);
    if (isObject(a) && isObject(b)) {
      if ('value' in a && 'value' in b)
        return a.value === b.value ? { ...a, ...b } : replace ? b : conflict(place, a.value, b.value);
      const names = [...new Set([...Object.keys(a), ...Object.keys(b)])];
      return Object.fromEntries(names.map((name) => [name, both(a[name], b[name], [...place, name])]));
    }
    return a === b ? a : conflict(place, a, b);
  };
  const joined = (a: unknown[], b: unknown[], place: readonly string[]): unknown[] => {
    if (a.length === 0) return b;
    if (b.length === 0) return a;
    const keys = KEYS.find((fields) =>
      [...a, ...b].every((each) => isObject(each) && fields.every((field) => field in each)),
    );
    if (keys === undefined) {
      if (a.length !== b.length) return conflict(place, a, b) as unknown[];
      return a.map((each, at) => both(each, b[at], [...place, String(at)]));
    }
    const keyOf = (each: unknown): string => keys.map((field) => String((each as Json)[field])).join(' ');
    const byKey = new Map(a.map((each) => [keyOf(each), each]));
    for (const each of b) {
      const key = keyOf(each);
      byKey.set(key, both(byKey.get(key), each, [...place, key]));
    }
    const entries = [...byKey.values()];
    return keys[0] === 'at'
      ? entries.sort((x, y) => Number((x as Json).at) - Number((y as Json).at))
      : entries;
  };

  const sources = [...new Set([...first.provenance.source.split('; '), second.provenance.source])];
  const model = { ...second.model, id: longer(first.model.id, second.model.id) };
  // A record says one text; a second one, of another program's evaluation, is told in words.
  const sameData = first.data === null || second.data === null || first.data.name === second.data.name;
  const result = both(
    { ...first, id: '', provenance: null, caveats: [], model: { ...first.model, id: model.id } },
    {
      ...second,
      id: '',
      provenance: null,
      caveats: [],
      model,
      sae: { ...second.sae, name: first.sae.name, hook: first.sae.hook },
      data: sameData ? second.data : null,
    },
    [],
  ) as EvaluationRecord;
  return {
    ...result,
    id: first.id,
    provenance: {
      ...first.provenance,
      ...Object.fromEntries(Object.entries(second.provenance).filter(([, value]) => value !== null)),
      source: sources.join('; ').slice(0, 2_000),
    },
    caveats: [
      ...new Set([
        ...first.caveats,
        ...second.caveats,
        ...(sameData
          ? []
          : [`Some values are over ${second.data!.tokens} tokens of another text: ${second.data!.name}.`]),
      ]),
    ],
  };
}

/** Nothing, or a measure that says that it is missing. */
function silent(value: unknown): boolean {
  return value == null || (isObject(value) && 'value' in value && value.value === null);
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function longer(a: string, b: string): string {
  return modelKey(a) === modelKey(b) && b.length > a.length ? b : a;
}
