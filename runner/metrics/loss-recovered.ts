/**
 * Next-token loss with the activations at a hook left alone, replaced by the SAE's reconstruction, by zero, or by its
 * mean; and the share of the damage done by zeroing that the SAE avoids.
 */
import { MalformedError } from '../errors.ts';
import type { Resamples } from './bootstrap.ts';
import { clipped, combine, type Statistic, sumOf } from './statistic.ts';

/** Sums of cross entropy (nats) over the predictions of each row. The row is the batch of the definition. */
export interface LossTable {
  /** Predictions counted, per row: one fewer than tokens where every next token counts. */
  predictions: Float64Array;
  clean: Float64Array;
  sae: Float64Array;
  zero: Float64Array;
  /** Mean-ablated, where it was run. */
  mean?: Float64Array;
}

const NO_PREDICTIONS = 'no next-token predictions were counted';

/** Denominators below this are replaced by it in `loss_recovered@interpscore-0.0.1`. */
const FLOOR = 1e-8;

/** Throws MalformedError for a loss that is not finite or negative. */
export function checkLosses(table: LossTable): void {
  for (const name of ['predictions', 'clean', 'sae', 'zero', 'mean'] as const) {
    const column = table[name];
    if (column === undefined) continue;
    if (column.length !== table.predictions.length) {
      throw new RangeError(
        `losses: ${column.length} rows of ${name}, ${table.predictions.length} of predictions`,
      );
    }
    for (let row = 0; row < column.length; row++) {
      if (Number.isFinite(column[row]!) && column[row]! >= 0) continue;
      throw new MalformedError({
        thing: `loss (${name}) of evaluation row ${row}`,
        found: String(column[row]),
        expected: 'a finite number that is not negative',
        next: 'Run the language model in a wider number type, or check its weights.',
      });
    }
  }
}

/** Mean over rows of the row's mean cross entropy. Rows without predictions count neither way. */
export function meanOfRowMeans(
  sums: Float64Array,
  predictions: Float64Array,
  resamples: Resamples,
): Statistic {
  const means = sums.map((total, row) => (predictions[row]! > 0 ? total / predictions[row]! : 0));
  const counted = predictions.map((count) => (count > 0 ? 1 : 0));
  return combine([sumOf(means, resamples), sumOf(counted, resamples)], (a, b) => a / b, NO_PREDICTIONS);
}

/** Mean cross entropy over all predictions. */
export function pooledMean(sums: Float64Array, predictions: Float64Array, resamples: Resamples): Statistic {
  return combine([sumOf(sums, resamples), sumOf(predictions, resamples)], (a, b) => a / b, NO_PREDICTIONS);
}

/** The ratio before clipping, denominator floored: `loss_recovered@interpscore-0.0.1` is this clipped to 0..1. */
export function recoveredShare(clean: number, sae: number, zero: number): number {
  return (zero - sae) / Math.max(zero - clean, FLOOR);
}

export interface LossRecovered {
  statistic: Statistic;
  /** What the definition's clip or floor changed, in words for the record; null where it changed nothing. */
  note: string | null;
}

/**
 * `loss_recovered@interpscore-0.0.1` from the three losses as means over rows of row means. Not measurable where zeroing
 * does not raise the loss: the definition's floor would make it 0 or 1 by the sign of what is left.
 */
export function lossRecoveredInterpScore(clean: Statistic, sae: Statistic, zero: Statistic): LossRecovered {
  const share = damaged([clean, sae, zero], recoveredShare);
  const statistic = clipped(share, [0, 1]);
  if (clean.value === null || share.value === null || zero.value === null) return { statistic, note: null };
  const notes: string[] = [];
  if (zero.value - clean.value < FLOOR)
    notes.push(`L_zero − L_clean is below ${FLOOR}, which stood in for it`);
  if (share.value < 0 || share.value > 1) notes.push(`clipped from ${share.value.toPrecision(6)}`);
  return { statistic, note: notes.length > 0 ? notes.join('; ') : null };
}

/** `loss_recovered@pooled-v1`: (L_zero − L_sae) / (L_zero − L_clean) of pooled means, not clipped. */
export function lossRecoveredPooled(clean: Statistic, sae: Statistic, zero: Statistic): Statistic {
  return damaged([clean, sae, zero], (a, b, c) => (c - b) / (c - a));
}

/** A share of the damage that zeroing does, of the losses clean, SAE and zero; unmeasured where it does none. */
export function damaged(
  losses: readonly [Statistic, Statistic, Statistic],
  share: (clean: number, sae: number, zero: number) => number,
): Statistic {
  const [{ value: clean }, , { value: zero }] = losses;
  const words =
    clean !== null && zero !== null ? [` (${zero.toFixed(4)})`, ` (${clean.toFixed(4)})`] : ['', ''];
  return combine(
    losses,
    (a, b, c) => (c >= a ? share(a, b, c) : Number.NaN),
    `the loss with the activations zeroed${words[0]} is not above the clean one${words[1]}: there is no damage to recover from`,
  );
}
