/**
 * The linear assignment problem, exactly: of each row one column, no column twice, so that the sum of the gains is the
 * largest there is. Shortest augmenting paths (Jonker and Volgenant 1987; rectangular as in Crouse 2016) after two passes of
 * augmenting row reduction.
 *
 * Memory: the gains, 4 bytes each, stay the caller's (1 GiB at 16,384 × 16,384); beside them about 30 bytes a column.
 * Time: at most O(rows² · columns). The cosines of an SAE and its features take 8 to 10 scans of a row for each row, uniform
 * numbers, which are harder, 20 to 31 (1,000 and 2,000 rows; docs/ground-truth.md).
 *
 * The packages of npm were measured first: `linear-sum-assignment` 1.0.9, the one that is kept up, takes 7 s for
 * 1,000 × 1,000 and keeps float64.
 */
import { cancellationPoint } from './cancellation.ts';

/** Scans of a row that the reduction may take for each row; paths take over from there. */
const REDUCTIONS = 8;
const PASSES = 2;

/**
 * @param gains [rows, columns] row-major, finite; rows ≤ columns
 * @returns for each row its column
 * @throws RangeError for more rows than columns, or a length that is not theirs
 */
export function assignLargest(gains: Float32Array, rows: number, columns: number): Int32Array {
  if (rows > columns || gains.length !== rows * columns) {
    throw new RangeError(`assignLargest: ${gains.length} gains for ${rows} × ${columns}, rows ≤ columns`);
  }
  /** What a column costs beside its gain: 0 while it has no row. */
  const prices = new Float64Array(columns);
  const columnOf = new Int32Array(rows).fill(-1);
  const rowOf = new Int32Array(columns).fill(-1);
  const free = reduce({ gains, rows, columns, prices, columnOf, rowOf });
  augment({ gains, rows, columns, prices, columnOf, rowOf }, free);
  return columnOf;
}

interface Assignment {
  gains: Float32Array;
  rows: number;
  columns: number;
  prices: Float64Array;
  columnOf: Int32Array;
  rowOf: Int32Array;
}

/** Rows take the column they gain most by, at a price that makes the next best as good. Returns the rows left over. */
function reduce({ gains, rows, columns, prices, columnOf, rowOf }: Assignment): Int32Array {
  let waiting: number[] = Array.from({ length: rows }, (_, row) => row);
  let scans = REDUCTIONS * rows;
  for (let pass = 0; pass < PASSES && waiting.length > 0; pass++) {
    const left: number[] = [];
    for (let next = 0; next < waiting.length; ) {
      const row = waiting[next++]!;
      if (scans-- <= 0) {
        left.push(row, ...waiting.slice(next));
        break;
      }
      cancellationPoint();
      let best = Number.NEGATIVE_INFINITY;
      let second = Number.NEGATIVE_INFINITY;
      let at = -1;
      let other = -1;
      for (let j = 0, from = row * columns; j < columns; j++) {
        const value = gains[from + j]! - prices[j]!;
        if (value > second) {
          if (value > best) {
            second = best;
            other = at;
            best = value;
            at = j;
          } else {
            second = value;
            other = j;
          }
        }
      }
      const raised = columns === 1 ? prices[at]! : prices[at]! + (best - second);
      const moves = raised > prices[at]!;
      if (moves) prices[at] = raised;
      else if (rowOf[at]! >= 0 && other >= 0) at = other;
      const before = rowOf[at]!;
      columnOf[row] = at;
      rowOf[at] = row;
      if (before < 0) continue;
      columnOf[before] = -1;
      // One that lost its column by a price that moved looks again at once; after a tie it waits.
      if (moves) waiting[--next] = before;
      else left.push(before);
    }
    waiting = left;
  }
  return Int32Array.from(waiting);
}

/** For each free row the cheapest chain of exchanges that ends at a column without a row (Dijkstra, dense). */
function augment({ gains, columns, prices, columnOf, rowOf }: Assignment, free: Int32Array): void {
  const distance = new Float64Array(columns);
  const from = new Int32Array(columns);
  /** Columns in any order: those before `done` have their distance, the others not yet. */
  const order = Int32Array.from({ length: columns }, (_, column) => column);
  for (const start of free) {
    let done = 0;
    let reached = 0;
    let row = start;
    let column = -1;
    distance.fill(Number.POSITIVE_INFINITY);
    for (;;) {
      cancellationPoint();
      const own = columnOf[row]!;
      const at = row * columns;
      const base = own < 0 ? 0 : gains[at + own]! - prices[own]!;
      let least = Number.POSITIVE_INFINITY;
      let place = -1;
      for (let i = done; i < columns; i++) {
        const j = order[i]!;
        const through = reached + base - gains[at + j]! + prices[j]!;
        if (through < distance[j]!) {
          distance[j] = through;
          from[j] = row;
        }
        // Among equals a column without a row ends the search.
        if (distance[j]! < least || (distance[j]! === least && rowOf[j]! < 0)) {
          least = distance[j]!;
          place = i;
        }
      }
      column = order[place]!;
      order[place] = order[done]!;
      order[done++] = column;
      reached = least;
      if (rowOf[column]! < 0) break;
      row = rowOf[column]!;
    }
    for (let i = 0; i < done - 1; i++) {
      const j = order[i]!;
      prices[j] = prices[j]! + (reached - distance[j]!);
    }
    for (let j = column; ; ) {
      const taking = from[j]!;
      const before = columnOf[taking]!;
      columnOf[taking] = j;
      rowOf[j] = taking;
      if (taking === start) break;
      j = before;
    }
  }
}
