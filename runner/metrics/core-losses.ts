/**
 * Losses and divergences by the rules of SAEBench's core evaluation: special tokens (BOS, EOS, PAD) are neither
 * spliced nor counted, and everything is pooled over tokens.
 */
import { MalformedError } from '../errors.ts';
import type { Resamples } from './bootstrap.ts';
import { damaged } from './loss-recovered.ts';
import { combine, type Statistic, sumOf } from './statistic.ts';

/** Sums over the counted positions of each row. */
export interface CoreTable {
  /** Positions t whose token is not special and that have a next token. */
  predictions: Float64Array;
  /** Positions whose token is not special, the last of the row included: where the KL is taken. */
  positions: Float64Array;
  /** Cross entropy of the model left alone, with the reconstruction spliced in, and set to zero. */
  clean: Float64Array;
  sae: Float64Array;
  zero: Float64Array;
  /** KL(clean ‖ …) of the same. */
  klSae: Float64Array;
  klZero: Float64Array;
}

const NOTHING_COUNTED = 'every token of the rows is a special one';
const NO_DAMAGE = 'zeroing the activations changes nothing, so there is nothing to recover';

/** Throws MalformedError for a sum that is not finite. */
export function checkCore(table: CoreTable): void {
  for (const [name, column] of Object.entries(table) as [keyof CoreTable, Float64Array][]) {
    const row = column.findIndex((value) => !Number.isFinite(value));
    if (row < 0) continue;
    throw new MalformedError({
      thing: `core losses (${name}) of row ${row}`,
      found: String(column[row]),
      expected: 'finite numbers',
      next: 'Run the language model in a wider number type, or check its weights.',
    });
  }
}

/** Mean over all counted positions. */
export function pooled(sums: Float64Array, counts: Float64Array, resamples: Resamples): Statistic {
  return combine(
    [sumOf(sums, resamples), sumOf(counts, resamples)],
    (total, count) => total / count,
    NOTHING_COUNTED,
  );
}

/** `loss_recovered@saebench-core` (its ce_loss_score) of pooled means; not clipped. */
export function coreLossRecovered(clean: Statistic, sae: Statistic, zero: Statistic): Statistic {
  return damaged([clean, sae, zero], (a, b, c) => (c - b) / (c - a));
}

/** `kl_recovered@saebench-core` (its kl_div_score) of pooled means; not clipped. */
export function klRecovered(sae: Statistic, zero: Statistic): Statistic {
  return combine([sae, zero], (a, b) => (b - a) / b, NO_DAMAGE);
}
