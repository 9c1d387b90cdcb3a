/**
 * The ceiling of an evaluation by true features: an SAE that is made of them. Its decoder is the features; its encoder
 * reads each by the combination of x of least variance that passes the feature's own magnitude unchanged,
 * w = Σ⁻¹f / fᵀΣ⁻¹f, and its threshold is the one of greatest expected F1 where what reaches w from the other features is
 * normal. It is what one layer can do that knows the answer; a trained SAE has no better decoder, and may have a better
 * encoder.
 */
import { cancellationPoint } from '../math/cancellation.ts';
import { gram } from '../math/gram.ts';
import { inversePositive } from '../math/inverse.ts';
import { normalTail } from '../math/student.ts';
import { checkedSae, type JumpReluSae } from '../sae/sae.ts';
import type { SyntheticModel } from '../synthetic/model.ts';
import { sampleBatch } from '../synthetic/model.ts';
import { activationsOf } from '../synthetic/samples.ts';

/** Samples that covariance and rates of firing are taken from. */
const SAMPLES = 8_192;
/** Thresholds tried, from 0 to the mean magnitude and more. */
const GRID = 64;
/** Added to the diagonal of the covariance, as a share of its mean: directions that no sample used. */
const RIDGE = 1e-6;

/** @param seed of the samples it is fitted to, which neither training nor evaluation reads */
export function oracleSae(model: SyntheticModel, seed: number): JumpReluSae {
  const { parts } = model;
  const { d, features, vectors, bias } = parts;
  const batch = sampleBatch(`oracle ${seed}`, 0, 1, SAMPLES);
  const active = model.features(batch);
  const x = activationsOf(parts, active);
  const mean = new Float64Array(d);
  x.forEach((value, at) => {
    mean[at % d]! += value / SAMPLES;
  });
  const centred = new Float32Array(x.length);
  for (let t = 0; t < SAMPLES; t++) {
    for (let i = 0; i < d; i++) centred[i * SAMPLES + t] = x[t * d + i]! - mean[i]!;
  }
  const covariance = gram(centred, d, SAMPLES).map((value) => value / SAMPLES);
  const ridge = (RIDGE / d) * mean.reduce((sum, _, i) => sum + covariance[i * d + i]!, 0);
  for (let i = 0; i < d; i++) covariance[i * d + i]! += ridge;
  const precision = inversePositive(covariance, d);

  const moments = momentsOf(active.indices, active.values, features);
  const W_enc = new Float32Array(d * features);
  const b_enc = new Float32Array(features);
  const threshold = new Float32Array(features);
  const w = new Float64Array(d);
  for (let f = 0; f < features; f++) {
    cancellationPoint();
    let passed = 0;
    let offset = 0;
    for (let i = 0; i < d; i++) {
      let sum = 0;
      for (let j = 0; j < d; j++) sum += precision[i * d + j]! * vectors[f * d + j]!;
      w[i] = sum;
      passed += sum * vectors[f * d + i]!;
    }
    for (let i = 0; i < d; i++) {
      const value = w[i]! / passed;
      W_enc[i * features + f] = value;
      offset += value * mean[i]!;
    }
    const { rate, size, variance } = moments(f, parts.means[f]!, parts.deviations[f]!);
    // Of the read-out's variance, 1 / fᵀΣ⁻¹f, what is not the feature's own.
    const own = rate * (variance + size * size) - (rate * size) ** 2;
    const noise = Math.sqrt(Math.max(1e-6, 1 / passed - own));
    b_enc[f] = rate * size - offset;
    threshold[f] = bestThreshold(rate, size, noise, Math.sqrt(noise * noise + variance));
  }
  return checkedSae({
    architecture: 'jumprelu',
    d_in: d,
    d_sae: features,
    apply_b_dec_to_input: false,
    normalisation: { kind: 'none' },
    W_enc,
    W_dec: vectors,
    b_enc,
    b_dec: bias,
    threshold,
  });
}

/** Rate of firing of each feature, and mean and variance of its magnitude; of one that hardly fired by what it is drawn from. */
function momentsOf(indices: Int32Array, values: Float32Array, features: number) {
  const counts = new Float64Array(features);
  const sums = new Float64Array(features);
  const squares = new Float64Array(features);
  indices.forEach((feature, entry) => {
    const value = values[entry]!;
    counts[feature]!++;
    sums[feature]! += value;
    squares[feature]! += value * value;
  });
  return (feature: number, mean: number, deviation: number) => {
    const count = counts[feature]!;
    const rate = Math.max(0.5, count) / SAMPLES;
    if (count < 8) return { rate, size: mean, variance: deviation * deviation };
    const size = sums[feature]! / count;
    return { rate, size, variance: Math.max(0, squares[feature]! / count - size * size) };
  };
}

/** Of greatest F1 = 2TP / (2TP + FP + FN). */
function bestThreshold(rate: number, size: number, off: number, on: number): number {
  let best = 0;
  let at = size / 2;
  for (let step = 0; step < GRID; step++) {
    const threshold = (1.25 * size * step) / GRID;
    const hit = rate * normalTail((threshold - size) / on);
    const f1 = (2 * hit) / (hit + rate + (1 - rate) * normalTail(threshold / off));
    if (f1 > best) [best, at] = [f1, threshold];
  }
  return at;
}
