import { cancellationPoint } from '../math/cancellation.ts';
import { leadingEigenvectors } from '../math/eigen.ts';
import { gram } from '../math/gram.ts';

export interface Pca {
  /** [width] */
  mean: Float64Array;
  /** [count, width] row-major, of largest variance first. */
  components: Float64Array;
  count: number;
}

/**
 * Principal components of x [tokens, width], centred.
 *
 * @param count components kept, at most width
 */
export function fitPca(x: Float32Array, width: number, count: number): Pca {
  const tokens = x.length / width;
  const mean = new Float64Array(width);
  for (let at = 0; at < x.length; at++) mean[at % width]! += x[at]! / tokens;
  // The covariance as inner products of columns: gram takes them as rows.
  const columns = new Float32Array(x.length);
  for (let t = 0; t < tokens; t++) {
    for (let i = 0; i < width; i++) columns[i * tokens + t] = x[t * width + i]! - mean[i]!;
  }
  const { vectors } = leadingEigenvectors(gram(columns, width, tokens), width, count);
  return { mean, components: vectors, count };
}

/** x [tokens, width] projected on the components. */
export function project({ mean, components, count }: Pca, x: Float32Array): Float32Array {
  const width = mean.length;
  const out = new Float32Array(x.length);
  const centred = new Float64Array(width);
  const found = new Float64Array(width);
  for (let start = 0; start < x.length; start += width) {
    cancellationPoint();
    for (let i = 0; i < width; i++) centred[i] = x[start + i]! - mean[i]!;
    found.set(mean);
    for (let c = 0; c < count; c++) {
      const at = c * width;
      let score = 0;
      for (let i = 0; i < width; i++) score += centred[i]! * components[at + i]!;
      for (let i = 0; i < width; i++) found[i]! += score * components[at + i]!;
    }
    out.set(found, start);
  }
  return out;
}
