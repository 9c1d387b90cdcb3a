/** A temporal SAE's prediction, slow and obvious: float64 sums, one token at a time. */
import { PREDICTION_EPSILON } from './context-program.ts';
import type { LinearMap, Sae, TemporalContext } from './sae.ts';

const dot = (a: ArrayLike<number>, b: ArrayLike<number>, from = 0): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[from + i]!;
  return sum;
};

const linear = ({ weight, bias }: LinearMap, x: Float64Array): Float64Array =>
  Float64Array.from(bias, (value, i) => value + dot(x, weight, i * x.length));

/**
 * @param r x' − b_dec of one sequence, a token after the other
 * @returns what is predicted of each, and what is left of r
 */
export function predict(
  { W_enc, W_dec, d_in, d_sae }: Pick<Sae, 'W_enc' | 'W_dec' | 'd_in' | 'd_sae'>,
  { heads, layers }: TemporalContext,
  r: readonly Float64Array[],
): { predicted: Float64Array[]; rest: Float64Array[] } {
  const rest = r.map((row) => row.slice());
  const predicted = r.map(() => new Float64Array(d_in));
  for (const { k, q, v, o } of layers) {
    const codes = rest.map((row) =>
      Float64Array.from({ length: d_sae }, (_, j) => {
        let sum = 0;
        for (let i = 0; i < d_in; i++) sum += row[i]! * W_enc[i * d_sae + j]!;
        return Math.max(sum, 0);
      }),
    );
    const before = codes.map((_, t) => codes[t - 1] ?? new Float64Array(d_sae));
    const [keys, values] = [before.map((row) => linear(k, row)), before.map((row) => linear(v, row))];
    for (const [t, row] of codes.entries()) {
      const query = linear(q, row);
      const mixed = new Float64Array(d_sae);
      const [narrow, wide] = [query.length / heads, d_sae / heads];
      for (let head = 0; head < heads; head++) {
        const of = (x: Float64Array): Float64Array => x.subarray(head * narrow, (head + 1) * narrow);
        const scores = keys.slice(0, t + 1).map((key) => dot(of(query), of(key)) / Math.sqrt(narrow));
        const most = Math.max(...scores);
        const weights = scores.map((score) => Math.exp(score - most));
        const sum = weights.reduce((total, weight) => total + weight, 0);
        for (const [at, weight] of weights.entries())
          for (let j = head * wide; j < (head + 1) * wide; j++) mixed[j]! += (weight / sum) * values[at]![j]!;
      }
      const out = linear(o, mixed).map((value) => Math.max(value, 0));
      const along = Float64Array.from({ length: d_in }, (_, i) => {
        let total = 0;
        for (let j = 0; j < d_sae; j++) total += out[j]! * W_dec[j * d_in + i]!;
        return total;
      });
      const share = dot(along, rest[t]!) / (Math.hypot(...along) + PREDICTION_EPSILON) ** 2;
      for (let i = 0; i < d_in; i++) {
        predicted[t]![i]! += share * along[i]!;
        rest[t]![i]! -= share * along[i]!;
      }
    }
  }
  return { predicted, rest };
}
