/** Some rows of a matrix [n, width], in the order asked for. */
export function rowsOf(matrix: Float32Array, width: number, rows: readonly number[]): Float32Array {
  const found = new Float32Array(rows.length * width);
  rows.forEach((row, i) => {
    found.set(matrix.subarray(row * width, (row + 1) * width), i * width);
  });
  return found;
}
