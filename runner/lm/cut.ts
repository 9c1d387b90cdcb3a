/** What travels between two segments of a language model, in one array. */
import { joined } from '../math/joined.ts';

/**
 * What travels between two segments: at a place in the residual stream that alone, at any other the hook's own tensor
 * and the residual stream that it, or what follows from it, is added to. In some families more of what earlier blocks made
 * travels beside either.
 */
export interface CutWidths {
  /** Numbers of a token that the hook's own tensor has. */
  value: number;
  /** Of the residual beside it and what else travels; 0 where the hook is in the residual stream and nothing does. */
  beside: number;
}

/** The hook's own tensor of what travels over a cut, without a copy. */
export function valueOfCut(given: Float32Array, { value, beside }: CutWidths): Float32Array {
  return given.subarray(0, (given.length / (value + beside)) * value);
}

/** What travels over a cut with another tensor in the place of the hook's own. */
export function withValue(given: Float32Array, value: Float32Array): Float32Array {
  return given.length === value.length ? value : joined([value, given.subarray(value.length)]);
}

/** Both apart, as a segment's program takes them; where nothing travels beside it, the residual stands alone. */
export function partsOfCut(
  given: Float32Array,
  widths: CutWidths,
): { value: Float32Array | null; residual: Float32Array } {
  const value = valueOfCut(given, widths);
  return widths.beside === 0
    ? { value: null, residual: given }
    : { value, residual: given.subarray(value.length) };
}

/** Some rows of what travels over a cut, of a batch of `rows`. */
export function rowsOfCut(
  given: Float32Array,
  { value, beside }: CutWidths,
  rows: number,
  asked: readonly number[],
): Float32Array {
  const tokens = given.length / (value + beside) / rows;
  const parts = [];
  for (const [from, width] of [
    [0, value],
    [rows * tokens * value, beside],
  ] as const)
    for (const row of asked)
      parts.push(given.subarray(from + row * tokens * width, from + (row + 1) * tokens * width));
  return joined(parts);
}
