/** Apart from the schema, so that what runs in a browser carries no zod. */
import type { Measure } from './measure.ts';

/** Of the values that a part of a record may hold: whether it is a measure, not a number, text or list. */
export function isMeasure(value: unknown): value is Measure {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
