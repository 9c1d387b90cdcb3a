/**
 * The feature matrix of a probe: one row a text, one column a latent, value the mean of the latent over the text's
 * tokens. Flat and row-major, so that it can be handed over without copies.
 */
import { MalformedError } from '../errors.ts';

export interface Features {
  /** [rows, columns] row-major. */
  values: Float32Array;
  rows: number;
  columns: number;
}

/** Checks the length, and that every value is finite. */
export function checkFeatures(features: Features, name: string): void {
  const { values, rows, columns } = features;
  if (values.length !== rows * columns) {
    throw new MalformedError({
      thing: `features of ${name}`,
      found: `${values.length} values`,
      expected: `${rows} rows × ${columns} latents = ${rows * columns}`,
      next: 'Pool the latents of every text into one row.',
    });
  }
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i]!)) {
      throw new MalformedError({
        thing: `features of ${name}`,
        found: `${values[i]} in row ${Math.floor(i / columns)}, latent ${i % columns}`,
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
