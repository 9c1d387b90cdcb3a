/**
 * Zeroing latents as SAEBench's TPP and SCR do it: x′ = decode(z ablated) + (x − x̂). Decoding is linear, so of the
 * token mean x̄ of a text there remains x̄ − Σ_j z̄_j d_j over the ablated j, and of a probe's score on it
 * w·x̄ + b − Σ_j z̄_j (w·d_j): pooled features and one number for each latent and probe are enough.
 */
import { cancellationPoint } from '../math/cancellation.ts';
import { type DenseFeatures, type Features, rowReader } from '../probes/features.ts';
import type { LinearProbe } from '../probes/linear-probe.ts';
import { largest, meanDifference } from '../probes/mean-difference.ts';
import { latentCounts } from './latent-counts.ts';

/** Latents ablated: SAEBench's values. */
const N_VALUES = [2, 5, 10, 20, 50, 100, 500] as const;

/** The setting that TPP and SCR share. */
export const nValues = latentCounts(N_VALUES, 'latents that tpp and scr set to zero');

export interface ConceptFeatures {
  /** Token mean of z, a row for each row of the set. */
  latents: Features;
  /** Token mean of x, over the same tokens. */
  residual: DenseFeatures;
}

/**
 * What one unit of a latent adds to x̂, a row per latent; null where no such direction exists, because the SAE undoes a
 * normalisation of each token, and then `reason` says so.
 */
export type Directions = { rows: Float32Array; reason?: never } | { rows: null; reason: string };

/** w·d_j of each latent, [columns]. */
export function alignments(
  { weights }: Pick<LinearProbe, 'weights'>,
  directions: Float32Array,
): Float64Array {
  const width = weights.length;
  return Float64Array.from({ length: directions.length / width }, (_, latent) => {
    cancellationPoint();
    let total = 0;
    for (let i = 0, at = latent * width; i < width; i++, at++) total += weights[i]! * directions[at]!;
    return total;
  });
}

/**
 * Attributed effect of each latent on a probe: (mean⁺ − mean⁻) · (w·d_j), over the probe's training rows.
 * `positive` counts only latents that fire more in the class (TPP), `absolute` either sign (SCR).
 */
export function effects(
  latents: Features,
  rows: ArrayLike<number>,
  labels: ArrayLike<number>,
  aligned: Float64Array,
  kind: 'positive' | 'absolute',
): Float64Array {
  const difference = meanDifference(latents, rows, labels);
  return difference.map((value, j) =>
    kind === 'positive' ? Math.max(0, value) * aligned[j]! : Math.abs(value * aligned[j]!),
  );
}

/**
 * The latents to ablate for each n: those of largest effect, no more than have an effect other than 0, as SAEBench
 * counts them.
 */
export function strongest(effect: Float64Array, ns: readonly number[]): Int32Array[] {
  const nonZero = effect.reduce((count, value) => count + (value === 0 ? 0 : 1), 0);
  const order = largest(effect, Math.min(nonZero, Math.max(...ns)));
  return ns.map((n) => order.subarray(0, Math.min(n, nonZero)));
}

/** w·x̄ + b of the given rows. */
export function probeScores(
  { weights, intercept }: LinearProbe,
  { values, columns }: DenseFeatures,
  rows: ArrayLike<number>,
): Float64Array {
  return Float64Array.from(rows, (row) => {
    let total = intercept;
    for (let i = 0, at = row * columns; i < columns; i++, at++) total += weights[i]! * values[at]!;
    return total;
  });
}

/**
 * Scores with latents ablated, for each of the nested lists of `strongest`.
 *
 * @param scores of the untouched rows
 */
export function ablatedScores(
  scores: Float64Array,
  latents: Features,
  rows: ArrayLike<number>,
  aligned: Float64Array,
  ablated: readonly Int32Array[],
): Float64Array[] {
  const order = ablated.reduce((most, each) => (each.length > most.length ? each : most), new Int32Array(0));
  /** The turn in which a latent goes, from 1 on. */
  const turns = new Int32Array(latents.columns);
  order.forEach((latent, turn) => {
    turns[latent] = turn + 1;
  });
  const read = rowReader(latents);
  const left = ablated.map(() => new Float64Array(rows.length));
  const shares = new Float64Array(order.length);
  for (let i = 0; i < rows.length; i++) {
    const { indices, values } = read(rows[i]!);
    shares.fill(0);
    for (let entry = 0; entry < values.length; entry++) {
      const latent = indices[entry]!;
      if (turns[latent]! > 0) shares[turns[latent]! - 1] = values[entry]! * aligned[latent]!;
    }
    let score = scores[i]!;
    let done = 0;
    ablated.forEach(({ length }, at) => {
      for (; done < length; done++) score -= shares[done]!;
      left[at]![i] = score;
    });
  }
  return left;
}
