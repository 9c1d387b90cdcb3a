/** A matrix X, in float64. */
export interface Design {
  rows: number;
  columns: number;
  /** out = X · v, of the first `columns` entries of v. */
  multiply(v: Float64Array, out: Float64Array): void;
  /** The first `columns` entries of out = Xᵀ · u. */
  transposed(u: Float64Array, out: Float64Array): void;
  /** Writes X into zeros, rounded to float32, one row `stride` after the other. */
  copy(target: Float32Array, stride: number): void;
  /** The largest mean |entry| of a column. */
  scale(): number;
}
