/** What a record holds of its resamples; how they are packed: paired-draws.ts. */
import { z } from 'zod';
import { count, name, text } from './measure.ts';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hexadecimal digits');

/**
 * A value in each resample, rounded to 256 levels: low + step · level, a byte per resample, in base64. Where the influences
 * of the blocks are given, that is what the resample gave beyond them, to first order: see paired-draws.ts.
 */
const pairedDraws = z.strictObject({
  /** Rows that were drawn: of tokens, of probe texts, of both, or a suite's own. */
  over: z.enum(['tokens', 'probes', 'both', 'suite']),
  /** Whose own they are. */
  suite: name.optional(),
  low: z.number(),
  step: z.number().nonnegative(),
  levels: z.base64().max(2_000_000),
  /** For each source the value depends on, step · level of each block, two bytes per block, in base64. */
  influences: z
    .array(
      z.strictObject({
        source: count,
        step: z.number().nonnegative(),
        levels: z.base64().max(2_000_000),
      }),
    )
    .max(1_000)
    .optional(),
});

/** Blocks that are drawn among one another: documents, or the test texts of a task, by class. */
const drawnSource = z.strictObject({
  /** Names the stream of draws. */
  seed: z.union([z.number(), text]),
  strata: z.array(count.max(1_000_000)).max(1_000),
});

/** What comparing this record with others over the same rows needs; see paired.ts. */
export const paired = z.strictObject({
  /** Resamples. */
  count: z.int().positive().max(1_000_000),
  /** Hashes of the rows drawn from and of the draws themselves: equal keys, equal resamples. */
  tokens: sha256,
  probes: sha256,
  /** The same of rows that a suite draws from by itself. */
  suites: z.record(name, sha256).optional(),
  sources: z.array(drawnSource).max(1_000).optional(),
  /** By definition. */
  draws: z.record(name, pairedDraws),
});

export type Paired = z.infer<typeof paired>;
export type PairedDraws = z.infer<typeof pairedDraws>;
