/**
 * The feature matrix of a probe: one row per text, one column per latent, value the mean of the latent over the text's
 * tokens.
 */
import { MalformedError } from '../errors.ts';

export type Features = DenseFeatures | SparseFeatures;

/** Flat and row-major, so that it can be handed over without copies: residuals. */
export interface DenseFeatures {
  rows: number;
  columns: number;
  /** [rows, columns] row-major. */
  values: Float32Array;
  entries?: never;
}

/** Without the zeros: of a text the latents that fired on any of its tokens. */
export interface SparseFeatures {
  rows: number;
  columns: number;
  /** One per row. */
  entries: readonly SparseRow[];
  values?: never;
}

export interface SparseRow {
  /** Columns, ascending. */
  indices: Int32Array;
  values: Float32Array;
}

/** Gives a row's entries; what is not among them is zero, what is may be. */
export function rowReader(features: Features): (row: number) => SparseRow {
  const { columns, entries } = features;
  if (entries !== undefined) return (row) => entries[row]!;
  const indices = Int32Array.from({ length: columns }, (_, j) => j);
  const { values } = features;
  return (row) => ({ indices, values: values.subarray(row * columns, (row + 1) * columns) });
}

/** Rows `first`.. of a feature matrix, without a copy. */
export function rowsFrom(features: Features, first: number, rows: number): Features {
  const { columns, entries } = features;
  if (entries !== undefined) return { rows, columns, entries: entries.slice(first, first + rows) };
  return { rows, columns, values: features.values.subarray(first * columns, (first + rows) * columns) };
}

/** Some columns of some rows, in the order given. */
export function chosenColumns(
  features: Features,
  rows: ArrayLike<number>,
  columns: Int32Array,
): DenseFeatures {
  const width = columns.length;
  const values = new Float32Array(rows.length * width);
  const read = rowReader(features);
  /** Where a column goes, from 1 on. */
  const places = new Int32Array(features.columns);
  columns.forEach((column, place) => {
    places[column] = place + 1;
  });
  for (let i = 0; i < rows.length; i++) {
    const row = read(rows[i]!);
    for (let entry = 0; entry < row.values.length; entry++) {
      const place = places[row.indices[entry]!]!;
      if (place > 0) values[i * width + place - 1] = row.values[entry]!;
    }
  }
  return { values, rows: rows.length, columns: width };
}

/** Checks the length, and that every value is finite. */
export function checkFeatures(features: Features, name: string): void {
  const { rows, columns, entries, values: dense } = features;
  const [found, expected, unit] =
    entries === undefined ? [dense.length, rows * columns, 'values'] : [entries.length, rows, 'rows'];
  if (found !== expected) {
    throw new MalformedError({
      thing: `features of ${name}`,
      found: `${found} ${unit}`,
      expected: `${expected}: ${rows} rows × ${columns} latents`,
      next: 'Pool the latents of every text into one row.',
    });
  }
  const read = rowReader(features);
  for (let row = 0; row < rows; row++) {
    const { indices, values } = read(row);
    for (let i = 0; i < values.length; i++) {
      if (Number.isFinite(values[i]!)) continue;
      throw new MalformedError({
        thing: `features of ${name}`,
        found: `${values[i]} in row ${row}, latent ${indices[i]}`,
        expected: 'finite numbers',
        next: 'Check the activations the latents were computed from (a half-precision overflow gives infinities).',
      });
    }
  }
}

/** Checks that there is one label of 0 or 1 for each row. */
export function checkLabels(labels: ArrayLike<number>, rows: number, name: string): void {
  let wrong = -1;
  for (let i = 0; i < labels.length && wrong < 0; i++) if (labels[i] !== 0 && labels[i] !== 1) wrong = i;
  if (labels.length === rows && wrong < 0) return;
  throw new MalformedError({
    thing: `labels of ${name}`,
    found: wrong < 0 ? `${labels.length} labels` : `label ${labels[wrong]} in row ${wrong}`,
    expected: `${rows} labels, each 0 or 1`,
    next: 'Give every row of the probe data set one binary label.',
  });
}

/** The two class sizes; a set with one class only is an error, never a fallback. */
export function classCounts(
  labels: ArrayLike<number>,
  rows: ArrayLike<number>,
  name: string,
): { negative: number; positive: number } {
  let positive = 0;
  for (let i = 0; i < rows.length; i++) positive += labels[rows[i]!]!;
  const negative = rows.length - positive;
  if (positive === 0 || negative === 0) {
    throw new MalformedError({
      thing: `labels of ${name}`,
      found: `${rows.length} rows, ${positive} of class 1 and ${negative} of class 0`,
      expected: 'both classes',
      next: 'Use more rows of the data set, or check which column holds the label.',
    });
  }
  return { negative, positive };
}
