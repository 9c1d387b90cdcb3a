/**
 * What a suite declares of itself: its definitions, and how its part of a record is shown. It is data, so that a record
 * can carry it for a suite that this program does not know; the site shows any suite from it. Free of zod: the browser
 * compares records too. What a part holds stands in part.ts.
 */
import type { Definition } from './definition.ts';

/** Values of one number each: with interval and definition, and compared between records. */
export interface MeasuresView {
  kind: 'measures';
  title: string;
  /** Definitions, in the order shown; a part may hold fewer. */
  ids: readonly string[];
  /** The one among them that is the weighted sum of the others; the part then holds `weights`. */
  total?: string | undefined;
}

/** Values over a number such as k or N. */
export interface CurveView {
  kind: 'curve';
  /** Its place among the part's `curves`. */
  key: string;
  title: string;
  /** The number's letter, and what it counts. */
  x: string;
  xLabel: string;
  /** Of the x axis; default log, where the number is above 0. */
  scale?: 'linear' | undefined;
  /** The first line is the SAE's own: it is compared between records. The others are baselines and parts of it. */
  lines: readonly CurveLine[];
  /** Values the y axis must reach. */
  include: readonly number[];
  /** What the lines are, where their names are short. */
  note: string;
}

/** Key of the line that is what the first one is of the SAE, of an untrained SAE of its shape and L0. */
export const UNTRAINED_LINE = 'untrained';

export interface CurveLine {
  key: string;
  /** Beside the line. */
  label: string;
  /** Over its column of the table. */
  column: string;
  definition: string;
}

/** Rows of one kind, such as data sets or classes. */
export interface TableView {
  kind: 'table';
  /** Its place among the part's `tables`. */
  key: string;
  title: string;
  /** What a row is. */
  row: string;
  columns: readonly TableColumn[];
}

export interface TableColumn {
  key: string;
  label: string;
  /** Of the measures in it. */
  definition?: string | undefined;
  /** Its measures are compared between records, row by row. */
  compared?: true | undefined;
}

/** Texts with a weight on each token. */
export interface ExamplesView {
  kind: 'examples';
  /** Its place among the part's `examples`. */
  key: string;
  title: string;
}

export type View = MeasuresView | CurveView | TableView | ExamplesView;

export interface SuiteDeclaration {
  /** Its name in settings and records: lower-case words joined by -. */
  id: string;
  /** Heads its section of a page, and its group of definitions. */
  title: string;
  /** What it measures, in a sentence or two above its views. */
  about: string;
  /** Shown before what is measured of every SAE. */
  leads?: true | undefined;
  /** By id; `group` is the suite's title. */
  definitions: Readonly<Record<string, Definition>>;
  views: readonly View[];
}

/** Gives the definitions their group. */
export function declareSuite<const Id extends string, const Ids extends string>(
  suite: Omit<SuiteDeclaration, 'id' | 'definitions'> & {
    id: Id;
    definitions: Readonly<Record<Ids, Omit<Definition, 'group'>>>;
  },
): Omit<SuiteDeclaration, 'id' | 'definitions'> & {
  id: Id;
  definitions: Readonly<Record<Ids, Definition>>;
} {
  const entries = Object.entries<Omit<Definition, 'group'>>(suite.definitions);
  return {
    ...suite,
    definitions: Object.fromEntries(
      entries.map(([id, definition]) => [id, { group: suite.title, ...definition }]),
    ) as Record<Ids, Definition>,
  };
}
