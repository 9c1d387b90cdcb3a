/** Boards of SAEs over the same rows, equal or spaced in truth, to see how often their ranking claims too much. */
import { random } from '../../runner/math/random.ts';
import { resampleRows } from '../../runner/metrics/bootstrap.ts';
import { influencesOf } from '../../runner/metrics/interval.ts';
import { type Estimate, sumOf } from '../../runner/metrics/statistic.ts';
import { resolve } from '../../runner/report/board.ts';
import { pairedOf } from '../../runner/report/paired.ts';

export interface Board {
  /** Pairs told apart the wrong way round, or at all where they are equal. */
  wrong: number;
  /** Pairs told apart one at a time, by their own intervals, wrongly. */
  wrongAlone: number;
  /** Pairs told apart at all. */
  resolved: number;
  /** Mean number of ranks left open, less one. */
  open: number;
}

/**
 * @param gap from one SAE's true value to the next, in standard errors of a difference of two; 0 for equal ones
 */
export function simulateBoard(
  set: number,
  {
    saes,
    rows,
    gap,
    spread = 0.5,
    count = 1_000,
  }: { saes: number; rows: number; gap: number; spread?: number; count?: number },
  alone = true,
): Board {
  const stream = random('board', saes, rows, gap, spread, set);
  const hard = Float64Array.from({ length: rows }, () =>
    Math.exp(spread * stream.gaussian() - spread ** 2 / 2),
  );
  const own = 0.2;
  // E hard² (2 · own²) / rows is the variance of a difference.
  const step = gap * own * Math.sqrt((2 * Math.exp(spread ** 2)) / rows);
  const resamples = resampleRows(rows, { count, seed: set });
  const source = { seed: set, strata: [rows] };
  const board = Array.from({ length: saes }, (_, i) => {
    const column = hard.map(
      (each) => (1 - i * step - 0.3 * each * (1 + (own / 0.3) * stream.gaussian())) / rows,
    );
    const { value, samples, leftOut }: Estimate = sumOf(column, resamples);
    const values = influencesOf(resamples.strata[0]!, leftOut[0]!.values);
    return { value, samples, rows: '', influences: [{ source, values, rounding: 0 }] };
  });
  const told = resolve(board);
  const found = { wrong: 0, wrongAlone: 0, resolved: 0, open: 0 };
  for (let i = 0; i < saes; i++) {
    for (let j = i + 1; j < saes; j++) {
      const reversed = gap === 0 || board[i]!.value < board[j]!.value;
      if (told(i, j)) {
        found.resolved++;
        if (reversed) found.wrong++;
      } else found.open += 2 / saes;
      if (alone && reversed && pairedOf(board[i]!, board[j]!).resolved) found.wrongAlone++;
    }
  }
  return found;
}
