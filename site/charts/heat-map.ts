/** A table of shares as squares, the darker the larger: pure geometry, pixels in the picture's own view box. */
import { round } from './scale.ts';

/** Plain JSON: drawn at build, and read out in the browser from the same. */
export interface HeatSpec {
  /** Distinguishes the picture inside one page. */
  id: string;
  /** Seen above it. */
  heading: string;
  /** Full name, for who cannot see it, and the caption of an exported picture. */
  title: string;
  description: string;
  /** What rows and columns are. */
  rowName: string;
  columnName: string;
  labels: { rows: readonly string[]; columns: readonly string[] };
  /** [row][column], in [0, 1]; null where there is none, and then `reasons` says why. */
  values: readonly (readonly (number | null)[])[];
  reasons: readonly (readonly (string | null)[])[];
  /** Of each value what nothing but chance would give. */
  floors: readonly (readonly (number | null)[])[];
  digits: number;
  source: string;
}

export interface HeatCell {
  row: number;
  column: number;
  x: number;
  y: number;
  value: number | null;
  /** How dark, 0 to 1. */
  level: number;
}

export interface HeatGeometry {
  width: number;
  height: number;
  /** Side of a square. */
  size: number;
  /** Whether a square has room for its value. */
  written: boolean;
  cells: HeatCell[];
  rows: { label: string; x: number; y: number }[];
  columns: { label: string; x: number; y: number; turned: boolean }[];
  /** Where the names of rows and columns stand. */
  names: { x: number; y: number; text: string }[];
  key: {
    x: number;
    y: number;
    width: number;
    height: number;
    steps: { x: number; width: number; level: number }[];
    floors: { from: number; to: number } | null;
  };
}

const WIDTH = 400;
const CHARACTER = 7;
const MOST_LABEL = 18;
const MOST_SIZE = 56;
/** Least side of a square with a value of four characters in it. */
const WRITTEN = 32;
const KEY = { width: 150, height: 10, steps: 15 } as const;

export function heatMap({ labels, values, floors, rowName, columnName }: HeatSpec): HeatGeometry {
  const shown = (label: string): string =>
    label.length > MOST_LABEL ? `${label.slice(0, MOST_LABEL - 1)}…` : label;
  const [rows, columns] = [labels.rows.map(shown), labels.columns.map(shown)];
  const longest = (of: readonly string[]): number =>
    CHARACTER * Math.max(1, ...of.map(({ length }) => length));
  const left = longest(rows) + 10;
  const size = Math.max(8, Math.min(MOST_SIZE, Math.floor((WIDTH - left - 2) / Math.max(1, columns.length))));
  const turned = longest(columns) + 4 > size;
  const top = 18 + (turned ? longest(columns) + 6 : 18);
  const bottom = top + size * rows.length;
  const found = floors.flat().filter((each) => each !== null);
  const keyTop = bottom + 22;
  const at = (value: number): number => round(left + KEY.width * Math.min(1, Math.max(0, value)));
  return {
    width: WIDTH,
    height: keyTop + KEY.height + 34,
    size,
    written: size >= WRITTEN,
    cells: values.flatMap((line, row) =>
      line.map((value, column) => ({
        row,
        column,
        x: left + column * size,
        y: top + row * size,
        value,
        level: value === null ? 0 : Math.min(1, Math.max(0, value)),
      })),
    ),
    rows: rows.map((label, row) => ({ label, x: left - 8, y: top + (row + 0.5) * size })),
    columns: columns.map((label, column) => ({
      label,
      x: left + (column + 0.5) * size,
      y: top - 7,
      turned,
    })),
    names: [{ x: 0, y: 11, text: `${rowName} ↓ ${columnName} →` }],
    key: {
      x: left,
      y: keyTop,
      width: KEY.width,
      height: KEY.height,
      steps: Array.from({ length: KEY.steps }, (_, i) => ({
        x: round(left + (i * KEY.width) / KEY.steps),
        width: round(KEY.width / KEY.steps),
        level: (i + 0.5) / KEY.steps,
      })),
      floors: found.length === 0 ? null : { from: at(Math.min(...found)), to: at(Math.max(...found)) },
    },
  };
}

export interface HeatWords {
  row: string;
  column: string;
  value: string;
  floor: string | null;
}

/** A square in words. */
export function wordsAt(spec: HeatSpec, row: number, column: number): HeatWords {
  const { labels, values, reasons, floors, digits } = spec;
  const value = values[row]?.[column] ?? null;
  const floor = floors[row]?.[column] ?? null;
  return {
    row: labels.rows[row] ?? '',
    column: labels.columns[column] ?? '',
    value: value === null ? `n/a: ${reasons[row]?.[column] ?? 'not measured'}` : value.toFixed(digits),
    floor: value === null || floor === null ? null : floor.toFixed(digits),
  };
}

/** The square that a key moves to; null for another key. */
export function moved(key: string, place: number, rows: number, columns: number): number | null {
  if (!/^(?:Arrow(?:Right|Left|Up|Down)|Home|End)$/.test(key)) return null;
  if (key === 'End') return rows * columns - 1;
  if (key === 'Home' || place < 0) return 0;
  const [row, column] = [Math.floor(place / columns), place % columns];
  const within = (at: number, count: number): number => Math.min(count - 1, Math.max(0, at));
  const to = {
    row: within(row + (key === 'ArrowDown' ? 1 : key === 'ArrowUp' ? -1 : 0), rows),
    column: within(column + (key === 'ArrowRight' ? 1 : key === 'ArrowLeft' ? -1 : 0), columns),
  };
  return to.row * columns + to.column;
}
