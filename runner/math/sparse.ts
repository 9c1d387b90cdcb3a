/** A matrix whose zeros are not held, row after row. */
export interface SparseMatrix {
  rows: number;
  columns: number;
  /** [rows + 1]: the entries of row i are those from starts[i] to starts[i + 1], `to` excluded. */
  starts: Int32Array;
  /** Column of each entry, ascending within a row. */
  at: Int32Array;
  values: Float32Array | Float64Array;
}

/** The non-zero entries of a matrix [rows, columns] row-major; null where they are more than `limit`. */
export function sparseOf(
  values: Float32Array | Float64Array,
  rows: number,
  columns: number,
  limit = Number.POSITIVE_INFINITY,
): SparseMatrix | null {
  let count = 0;
  for (const value of values) if (value !== 0) count++;
  if (count > limit) return null;
  const kept = values instanceof Float32Array ? new Float32Array(count) : new Float64Array(count);
  const found = { rows, columns, starts: new Int32Array(rows + 1), at: new Int32Array(count), values: kept };
  let next = 0;
  for (let i = 0, from = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++, from++) {
      if (values[from] === 0) continue;
      found.at[next] = j;
      kept[next++] = values[from]!;
    }
    found.starts[i + 1] = next;
  }
  return found;
}
