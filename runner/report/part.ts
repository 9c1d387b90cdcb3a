/**
 * A suite's part of a record: the values of its views, in the same four kinds whatever the suite. Which of them it may
 * hold, and within which bounds, its declaration says (suite.ts).
 */
import { z } from 'zod';
import type { Definition } from './definition.ts';
import { isMeasure } from './is-measure.ts';
import { measure, name, type Measure as PartMeasure, type Present, text } from './measure.ts';
import type { SuiteDeclaration, View } from './suite.ts';

/** Points of a curve, data sets, rows of a table. */
const MANY = 10_000;

const point = z.strictObject({ at: z.number(), values: z.record(name, measure) });

/** Lines over a number; what does not depend on it stands in `constants`. */
const points = {
  points: z.array(point).max(MANY),
  constants: z.record(name, measure).optional(),
};

const curve = z.strictObject({
  ...points,
  /** Where the values are means: what they are means of, each with its own. */
  sets: z.array(z.strictObject({ name, ...points })).max(MANY),
});

/** A measure with its interval, a count or another plain number, words, or a list; null where nothing is known. */
const cell = z.union([
  measure,
  z.number(),
  text,
  z.array(z.number()).max(MANY),
  z.array(name).max(MANY),
  z.null(),
]);

const row = z.strictObject({ name, note: text.optional(), cells: z.record(name, cell) });

const example = z
  .strictObject({
    tokens: z.array(text).max(MANY),
    /** One per token. */
    weights: z.array(z.number()).max(MANY),
    note: text.optional(),
  })
  .refine(({ tokens, weights }) => tokens.length === weights.length, 'expected a weight for each token');

export const part = z.strictObject({
  measures: z.record(name, measure).optional(),
  /** Of the values that a total is the weighted sum of. */
  weights: z.record(name, z.number()).optional(),
  curves: z.record(name, curve).optional(),
  tables: z.record(name, z.array(row).max(MANY)).optional(),
  examples: z.record(name, z.array(example).max(MANY)).optional(),
});

export type Part = z.infer<typeof part>;
export type Curve = z.infer<typeof curve>;
export type CurvePoint = z.infer<typeof point>;
export type Row = z.infer<typeof row>;
export type Cell = z.infer<typeof cell>;

/** Something of a part that its suite does not declare, or a value outside its definition's range. */
export interface PartFault {
  path: (string | number)[];
  message: string;
}

/** @param definitionOf the definitions that the suite may name: its own and those of every run */
export function partFaults(
  found: Part,
  suite: Pick<SuiteDeclaration, 'id' | 'views'>,
  definitionOf: (id: string) => Definition | undefined,
): PartFault[] {
  const faults: PartFault[] = [];
  const undeclared = (path: PartFault['path'], what: string): void => {
    faults.push({ path, message: `suite ${suite.id} declares no such ${what}` });
  };
  const check = (value: PartMeasure, id: string, path: PartFault['path']): void => {
    const definition = definitionOf(id);
    if (definition === undefined) faults.push({ path, message: `no definition ${id} is known` });
    else faults.push(...measureFaults(value, definition, path));
  };
  const keyed = <Kind extends View['kind']>(kind: Kind, key: string) =>
    suite.views.find(
      (view): view is Extract<View, { kind: Kind }> =>
        view.kind === kind && 'key' in view && view.key === key,
    );

  const ids = suite.views.flatMap((view) => (view.kind === 'measures' ? view.ids : []));
  for (const [id, value] of Object.entries(found.measures ?? {})) {
    if (ids.includes(id)) check(value, id, ['measures', id]);
    else undeclared(['measures', id], 'measure');
  }
  for (const id of Object.keys(found.weights ?? {})) {
    if (!ids.includes(id)) undeclared(['weights', id], 'measure');
  }
  for (const [key, { sets, ...whole }] of Object.entries(found.curves ?? {})) {
    const view = keyed('curve', key);
    if (view === undefined) {
      undeclared(['curves', key], 'curve');
      continue;
    }
    const line = (path: PartFault['path'], values: Record<string, PartMeasure>): void => {
      for (const [each, value] of Object.entries(values)) {
        const declared = view.lines.find((one) => one.key === each);
        if (declared === undefined) undeclared([...path, each], 'line');
        else check(value, declared.definition, [...path, each]);
      }
    };
    for (const [path, of] of [
      [['curves', key], whole] as const,
      ...sets.map((set, i) => [['curves', key, 'sets', i], set] as const),
    ]) {
      for (const [i, { values }] of of.points.entries()) line([...path, 'points', i, 'values'], values);
      line([...path, 'constants'], of.constants ?? {});
    }
  }
  for (const [key, rows] of Object.entries(found.tables ?? {})) {
    const view = keyed('table', key);
    if (view === undefined) {
      undeclared(['tables', key], 'table');
      continue;
    }
    for (const [i, { cells }] of rows.entries()) {
      for (const [column, value] of Object.entries(cells)) {
        const path = ['tables', key, i, 'cells', column];
        const declared = view.columns.find((one) => one.key === column);
        if (declared === undefined) undeclared(path, 'column');
        else if (isMeasure(value)) {
          if (declared.definition === undefined)
            faults.push({ path, message: 'the column names no definition for its values' });
          else check(value, declared.definition, path);
        }
      }
    }
  }
  for (const key of Object.keys(found.examples ?? {})) {
    if (keyed('examples', key) === undefined) undeclared(['examples', key], 'list of examples');
  }
  return faults;
}

/** A hair of slack: float64 sums may leave 1 + 1e-16. */
const HAIR = 1e-9;

/** A value outside the range of its definition or, without a word about it, of its interval; an interval turned round. */
export function measureFaults(
  value: PartMeasure,
  { range: [low, high] }: Pick<Definition, 'range'>,
  path: PartFault['path'],
): PartFault[] {
  if (value.value === null) return [];
  const faults: PartFault[] = [];
  if ((low !== null && value.value < low - HAIR) || (high !== null && value.value > high + HAIR)) {
    const message = `expected a value in [${low ?? '−∞'}, ${high ?? '∞'}], received ${value.value}`;
    faults.push({ path: [...path, 'value'], message });
  }
  if (value.interval && value.interval.low > value.interval.high) {
    faults.push({ path: [...path, 'interval'], message: 'expected low ≤ high' });
  } else if (isOutside(value)) {
    const { low: from, high: to } = value.interval!;
    const message = `expected ${value.value} between ${from} and ${to}, or a note that says why it is not`;
    faults.push({ path: [...path, 'interval'], message });
  }
  return faults;
}

/** Intervals of records that name no method were made by earlier rules, under which a clipped value may lie outside. */
function isOutside({ value, interval, method, interval_note }: Present): boolean {
  if (!interval || method === undefined || interval_note !== undefined) return false;
  const hair = HAIR * (1 + Math.abs(value));
  return value < interval.low - hair || value > interval.high + hair;
}
