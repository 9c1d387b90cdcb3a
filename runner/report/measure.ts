/** What all parts of a record are made of: text within limits, and numbers with their intervals. */
import { z } from 'zod';
import { intervalMethodIds } from './interval-methods.ts';

/** Longest free text a record may carry; foreign strings are shown on pages. */
export const TEXT_LIMIT = 2_000;

export const text = z.string().max(TEXT_LIMIT);
export const name = z.string().min(1).max(300);
export const count = z.int().nonnegative();

/**
 * A number with its 95 % interval. `interval: null` means none was computed, and `interval_note` says why; beside an
 * interval it says why that one is less sure than it claims.
 */
const present = z.strictObject({
  value: z.number(),
  interval: z.strictObject({ low: z.number(), high: z.number() }).nullable(),
  /** How the interval was formed; records from before it was named: interval-methods.ts. */
  method: z.enum(intervalMethodIds).optional(),
  interval_note: text.optional(),
  /** Tokens over which the value was taken, where it depends on them (alive, dead fraction, density). */
  window_tokens: count.optional(),
  note: text.optional(),
});

/** What could not be measured is null with a reason; NaN and −1 are never results. */
const missing = z.strictObject({ value: z.null(), reason: text.min(1) });

export const measure = z.union([present, missing]);

export type Measure = z.infer<typeof measure>;
export type Present = z.infer<typeof present>;
