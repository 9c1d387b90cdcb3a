/** Which rows are kept, in which order, and what they stand under. Pure. */
import { type Columns, textAt } from '../lib/columns.ts';
import { once } from '../lib/once.ts';
import { inWords } from '../lib/order.ts';
import { isNumberField, type Source, valuesOf } from './fields.ts';
import { type Facet, facetNames, facets, rangeNames, ranges, type State } from './state.ts';

type Test = (row: number) => boolean;

/** Rows that pass every filter, in the order of the records. */
export function filterRows(source: Source, state: State): number[] {
  const tests = [wordsTest(source.columns, state.q), ...rangeTests(source, state)];
  for (const name of facetNames) tests.push(facetTest(source.columns, name, state.facets[name]));
  return everyRow(source.columns).filter((row) => tests.every((test) => test(row)));
}

/** How many rows each value of a facet would keep beside the other filters. */
export function facetCounts(source: Source, state: State, name: Facet): Map<string, number> {
  const free = { ...state, facets: { ...state.facets, [name]: [] } };
  const counts = new Map<string, number>();
  for (const row of filterRows(source, free)) {
    const value = facetValue(source.columns, name, row);
    if (value !== null) counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return counts;
}

function everyRow({ count }: Columns): number[] {
  return Array.from({ length: count }, (_, row) => row);
}

function facetValue(columns: Columns, name: Facet, row: number): string | null {
  const { field } = facets[name];
  if (!isNumberField(field)) return textAt(columns, field, row);
  const value = columns.numbers[field][row];
  return value === null || value === undefined ? null : String(value);
}

function facetTest(columns: Columns, name: Facet, kept: readonly string[]): Test {
  if (kept.length === 0) return () => true;
  const wanted = new Set(kept);
  return (row) => {
    const value = facetValue(columns, name, row);
    return value !== null && wanted.has(value);
  };
}

function rangeTests(source: Source, state: State): Test[] {
  return rangeNames.flatMap((name) => {
    const { from, to } = state.ranges[name];
    if (from === null && to === null) return [];
    const values = valuesOf(source, ranges[name].field);
    return (row: number) => {
      const value = values?.[row];
      return (
        value !== null &&
        value !== undefined &&
        (from === null || value >= from) &&
        (to === null || value <= to)
      );
    };
  });
}

/** Fields that the words of a search are looked for in. */
const searched = ['name', 'id', 'model', 'hook', 'architecture', 'kind', 'release', 'text'] as const;

function wordsTest(columns: Columns, q: string): Test {
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return () => true;
  // Each distinct text is searched once.
  const has = searched.map((field) =>
    columns.text[field].values.map((text) => words.map((word) => text.toLowerCase().includes(word))),
  );
  return (row) =>
    words.every((_, i) =>
      searched.some((field, at) => has[at]?.[columns.text[field].at[row] ?? -1]?.[i] ?? false),
    );
}

/** Rows under one heading. */
export interface RowGroup {
  /** Null where all rows stand in one list. */
  heading: { model: string; site: string; text: string } | null;
  rows: number[];
}

/**
 * What a rank is within, of each row: equal numbers, one model, hook site and evaluation text. Rows that are ranked apart,
 * as of two revisions of a model, stand apart; those without a rank stand with the first of their model, site and text.
 */
export const groupNumbers = once(({ text, rank, count }: Columns): readonly number[] => {
  const known = new Map<string, number>();
  const place = (row: number): string => `${text.model.at[row]} ${text.site.at[row]} ${text.text.at[row]}`;
  const numbers = new Array<number>(count);
  const ranked = (row: number): boolean => rank.group[row] !== null && rank.group[row] !== undefined;
  const give = (row: number, key: string): void => {
    if (!known.has(key)) known.set(key, row);
    numbers[row] = known.get(key)!;
    if (!known.has(place(row))) known.set(place(row), numbers[row]!);
  };
  for (let row = 0; row < count; row++) if (ranked(row)) give(row, `${place(row)} ${rank.group[row]}`);
  for (let row = 0; row < count; row++) if (!ranked(row)) give(row, place(row));
  return numbers;
});

/** The rows in their order, under their headings. Rows without a value stand last whatever the direction. */
export function orderRows(source: Source, state: State, rows: readonly number[]): RowGroup[] {
  const { columns } = source;
  const sorted = rows.toSorted(comparison(source, state));
  if (!state.grouped) return [{ heading: null, rows: sorted }];
  const group = groupNumbers(columns);
  const byGroup = Map.groupBy(sorted, (row) => group[row]!);
  // In the order of the records, not of whichever row is best: groups are not ranked against one another.
  return [...byGroup.entries()]
    .toSorted(([a], [b]) => a - b)
    .map(([, members]) => ({ heading: headingOf(columns, members[0]!), rows: members }));
}

function headingOf(columns: Columns, row: number): { model: string; site: string; text: string } {
  return {
    model: textAt(columns, 'model', row) ?? 'model not stated',
    site: textAt(columns, 'site', row) ?? 'hook not stated',
    text: textAt(columns, 'text', row) ?? 'text not stated',
  };
}

function comparison(source: Source, { sort, descending }: State): (a: number, b: number) => number {
  const sign = descending ? -1 : 1;
  if (sort === 'name') {
    const place = namePlaces(source.columns);
    return (a, b) => sign * (place[a]! - place[b]!) || a - b;
  }
  const values = valuesOf(source, sort);
  return (a, b) => {
    const [one, two] = [values?.[a] ?? null, values?.[b] ?? null];
    if (one === null || two === null) return one === two ? a - b : one === null ? 1 : -1;
    return sign * (one - two) || a - b;
  };
}

/** Where each row's name stands among all. */
const namePlaces = once(({ text }: Columns): number[] => {
  const { values, at } = text.name;
  const order = values.map((_, i) => i).toSorted((a, b) => inWords.compare(values[a]!, values[b]!));
  const place = new Array<number>(values.length);
  order.forEach((value, i) => {
    place[value] = i;
  });
  return at.map((value) => place[value] ?? values.length);
});
