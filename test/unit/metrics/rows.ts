/** Rows of activations, reconstructions and latents for the metric tests. */
import { random } from '../../../runner/math/random.ts';
import type { ActivationRow } from '../../../runner/metrics/activations.ts';
import { resampleRows } from '../../../runner/metrics/bootstrap.ts';
import { type HookTables, hookStatistics, type SaeRow } from '../../../runner/metrics/hook-statistics.ts';
import { type ReconstructionResult, reconstructionSuite } from '../../../runner/suites/reconstruction.ts';

export const WIDTH = 5;
export const LATENTS = 12;
const K = 2;

export interface TestRow {
  row: ActivationRow;
  sae: SaeRow;
}

/**
 * Rows of the given token counts. Values are multiples of 1/256 below 2^14, so that sums and products by 1,000 are exact in
 * float32 and comparisons need no slack for the input's own rounding.
 */
export function testRows(lengths: readonly number[], key: number | string = 0): TestRow[] {
  const stream = random('rows', key);
  return lengths.map((tokens, number) => {
    const draw = (): number => Math.round((stream.gaussian() * 4 + number) * 256) / 256;
    const x = Float32Array.from({ length: tokens * WIDTH }, (_, at) => draw() + 10 * (at % WIDTH));
    const reconstruction = x.map((value) => value + Math.round(stream.gaussian() * 256) / 256);
    const indices = Int32Array.from({ length: tokens * K }, (_, at) => (at % K) * 6 + stream.integer(5));
    const values = Float32Array.from(indices, () => (stream.next() < 0.3 ? 0 : 1 + stream.next()));
    return { row: { x, tokens }, sae: { reconstruction, latents: { k: K, indices, values } } };
  });
}

export function tablesOf(rows: readonly TestRow[]): HookTables {
  const statistics = hookStatistics(WIDTH, [LATENTS]);
  for (const { row, sae } of rows) statistics.add(row, [sae]);
  return statistics.tables();
}

export function suiteOf(rows: readonly TestRow[], resamples = 200): ReconstructionResult {
  return reconstructionSuite(tablesOf(rows), resampleRows(rows.length, { count: resamples }))[0]!;
}

/** Every row with its reconstruction replaced. */
export function reconstructedBy(
  rows: readonly TestRow[],
  by: (row: ActivationRow, number: number) => Float32Array,
): TestRow[] {
  return rows.map(({ row, sae }, number) => ({ row, sae: { ...sae, reconstruction: by(row, number) } }));
}

/** Mean over the tokens of some rows. */
export function meanToken(rows: readonly ActivationRow[]): Float64Array {
  const total = new Float64Array(WIDTH);
  let count = 0;
  for (const { x, tokens } of rows) {
    count += tokens;
    for (let at = 0; at < x.length; at++) total[at % WIDTH]! += x[at]!;
  }
  return total.map((value) => value / count);
}
