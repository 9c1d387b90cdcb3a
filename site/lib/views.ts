/** A suite's part of a record as lines over k or N and as rows of tables, by the views that the suite declares. Pure. */
import type { Definition } from '../../runner/report/definition.ts';
import type { Cell, Curve, CurvePoint, Row } from '../../runner/report/part.ts';
import type { Measure } from '../../runner/report/schema.ts';
import type { CurveView, TableView } from '../../runner/report/suite.ts';
import type { LinePoint, LineSeries } from '../charts/line-chart.ts';
import type { ChartSpec, SeriesSpec } from '../charts/spec.ts';
import {
  describeMeasure,
  formatCount,
  formatInterval,
  formatNumber,
  formatPlain,
  type MeasureText,
} from './format.ts';

export type DefinitionOf = (id: string) => Definition;

export interface CurvePanel {
  view: CurveView;
  series: LineSeries[];
  /** One for each value of x. */
  columns: string[];
  rows: { at: number; cells: MeasureText[] }[];
  /** Where the values are means over several data sets: each one's, a column for each value of x. */
  sets: { name: string; cells: MeasureText[] }[];
}

/** What stands at a point of a line; of a line that does not depend on x, its one value. */
function valueAt(
  { values }: Pick<CurvePoint, 'values'>,
  constants: Curve['constants'],
  line: string,
): Measure | undefined {
  return values[line] ?? constants?.[line];
}

export function curvePanel(view: CurveView, curve: Curve, definitionOf: DefinitionOf): CurvePanel {
  const { points, constants, sets } = curve;
  const [own] = view.lines;
  // Later versions add lines: a record from before has nothing to say of them.
  const lines = view.lines.filter((line) =>
    points.some((point) => valueAt(point, constants, line.key) !== undefined),
  );
  const series = lines.map(({ key, label }) => ({
    label,
    points: points.flatMap((point) => {
      const measure = valueAt(point, constants, key);
      if (measure === undefined) return [];
      // A line without whiskers is one value; its interval stands in the table.
      return placed(point.at, measure, point.values[key] !== undefined);
    }),
  }));
  const ofSets = sets.map(({ name, points: each }) => ({
    name,
    measures: points.map(({ at }) => each.find((point) => point.at === at)?.values[own?.key ?? '']),
  }));
  const several =
    ofSets.length > 1 &&
    ofSets.some(({ measures }) =>
      measures.some((measure) => measure !== undefined && measure.value !== null),
    );
  return {
    view,
    series: series.filter((line) => line.points.length > 0),
    columns: [view.x, ...lines.map(({ column }) => column)],
    rows: points.map((point) => ({
      at: point.at,
      cells: lines.map(({ key, definition }) =>
        describeMeasure(valueAt(point, constants, key), definitionOf(definition)),
      ),
    })),
    sets:
      several && own !== undefined
        ? ofSets.map(({ name, measures }) => ({
            name,
            cells: measures.map((measure) => describeMeasure(measure, definitionOf(own.definition))),
          }))
        : [],
  };
}

/** A panel as a chart; @param of the SAE's name */
export function panelSpec({ view, series }: CurvePanel, id: string, of: string): ChartSpec {
  const words = series.map(
    ({ label, points }) => `${label} ${formatNumber(points.at(-1)?.y ?? Number.NaN, 3)}`,
  );
  return {
    id,
    heading: view.title,
    title: `${view.title} against the number of ${view.xLabel}, ${of}`,
    description: `Last values: ${words.join(', ')}. All values stand in the table below.`,
    x: { label: view.xLabel, scale: view.scale ?? 'log', ticks: 'count', values: 'count' },
    y: { label: view.title, scale: 'linear', ticks: 'fixed2', values: 'fixed4', include: view.include },
    series: series.map(({ label, points }) => ({ label, ...columnsOf(points) })),
    source: [...new Set(view.lines.map(({ definition }) => definition))].join(', '),
  };
}

/** Points as the columns of a chart's specification. */
export function columnsOf(points: readonly LinePoint[]): Pick<SeriesSpec, 'x' | 'y' | 'low' | 'high'> {
  const whiskers = points.some(({ low, high }) => low !== undefined && high !== undefined);
  return {
    x: points.map(({ x }) => x),
    y: points.map(({ y }) => y),
    ...(whiskers && {
      low: points.map(({ low }) => low ?? null),
      high: points.map(({ high }) => high ?? null),
    }),
  };
}

function placed(x: number, measure: Measure, whiskers: boolean): LinePoint[] {
  if (measure.value === null) return [];
  const { value: y, interval } = measure;
  return [whiskers ? { x, y, low: interval?.low, high: interval?.high } : { x, y }];
}

export interface TableText {
  columns: { label: string; number: boolean }[];
  rows: { name: string; note: string | null; cells: (MeasureText | null)[] }[];
}

/** A table's rows in words, without the columns that none of them has anything in. */
export function tableText(view: TableView, rows: readonly Row[], definitionOf: DefinitionOf): TableText {
  const present = view.columns.filter(({ key }) => rows.some(({ cells }) => isKnown(cells[key])));
  return {
    columns: present.map(({ key, label }) => ({
      label,
      number: rows.every(({ cells }) => typeof cells[key] !== 'string' && !isWords(cells[key])),
    })),
    rows: rows.map(({ name, note = null, cells }) => ({
      name,
      note,
      cells: present.map(({ key, definition }) =>
        cellText(cells[key], definition === undefined ? undefined : definitionOf(definition)),
      ),
    })),
  };
}

function isKnown(cell: Cell | undefined): boolean {
  if (cell === undefined || cell === null || cell === '') return false;
  if (typeof cell !== 'object') return true;
  return Array.isArray(cell) ? cell.length > 0 : cell.value !== null || cell.reason !== '';
}

function isWords(cell: Cell | undefined): boolean {
  return Array.isArray(cell) && typeof cell[0] === 'string';
}

/** Whole numbers of a list that are shown. */
const NAMED = 6;

/** Null where nothing is known. */
export function cellText(cell: Cell | undefined, definition: Definition | undefined): MeasureText | null {
  if (cell === undefined || cell === null) return null;
  const plain = (value: string, note: string | null = null): MeasureText => ({
    value,
    interval: null,
    reason: null,
    window: null,
    note,
    method: null,
    doubt: null,
  });
  if (typeof cell === 'string') return plain(cell);
  if (typeof cell === 'number') return plain(formatPlain(cell));
  if (!Array.isArray(cell)) return describeMeasure(cell, definition ?? { digits: 4 });
  const numbers = cell.filter((each) => typeof each === 'number');
  if (numbers.length < cell.length) return plain(cell.join(', '));
  if (numbers.length === 0) return null;
  const count = `${formatCount(numbers.length)} values`;
  // Whole numbers are names, as of latents and seeds.
  if (numbers.every(Number.isInteger)) {
    const named = numbers.slice(0, NAMED).join(', ');
    return numbers.length > NAMED ? plain(`${named} …`, count) : plain(named);
  }
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  return plain(formatInterval(low, high, definition?.digits ?? 4), count);
}
