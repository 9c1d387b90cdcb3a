/** Whether a word's first letter is carried by other latents than the letter's own (Chanin et al. 2024). */
import type { SparseRow } from '../../probes/features.ts';
import type { Directions } from '../ablation.ts';

/** Latents that may absorb together; how far along the probe each must point; what share of the word's they must carry. */
const MOST_ABSORBERS = 3;
const FRACTION_COSINE = 0.1;
const FULL_COSINE = 0.025;
const LEAST_SHARE = 0.4;
/** Below it a latent is silent. */
const SILENT = 1e-8;

/** How each latent stands to the unit vector along a letter's probe. */
export interface Alignment {
  /** What one unit of the latent adds along the probe, [d_sae]. */
  lengths: Float64Array;
  /** Of its direction with the probe, [d_sae]. */
  cosines: Float64Array;
}

/** @param weights of the letter's probe, [d] */
export function alignmentOf(weights: Float64Array, directions: NonNullable<Directions['rows']>): Alignment {
  const d = weights.length;
  const norm = Math.sqrt(weights.reduce((sum, each) => sum + each * each, 0));
  const count = directions.length / d;
  const [lengths, cosines] = [new Float64Array(count), new Float64Array(count)];
  for (let latent = 0, at = 0; latent < count; latent++) {
    let [along, square] = [0, 0];
    for (let i = 0; i < d; i++, at++) {
      along += weights[i]! * directions[at]!;
      square += directions[at]! * directions[at]!;
    }
    lengths[latent] = along / norm;
    cosines[latent] = square === 0 ? 0 : along / norm / Math.sqrt(square);
  }
  return { lengths, cosines };
}

export interface WordAbsorption {
  /** Of the rule of SAEBench 0.6: at most three absorbers, which must carry much. */
  fraction: number;
  /** Of the rule before it, as in 0.3: whatever all other latents carry. */
  earlierFraction: number;
  /** Whether one latent carries the letter and all of its own are silent. */
  full: boolean;
}

/**
 * @param latents of the word's token, those that are not zero
 * @param main the letter's own latents
 * @param projection of the residual on the unit vector along the letter's probe
 */
export function absorptionOf(
  { indices, values }: SparseRow,
  main: ReadonlySet<number>,
  { lengths, cosines }: Alignment,
  projection: number,
): WordAbsorption {
  let [ofMain, ofAll, mainFires] = [0, 0, false];
  let top = { carried: 0, cosine: 0 };
  const absorbers: number[] = [];
  for (let entry = 0; entry < values.length; entry++) {
    const latent = indices[entry]!;
    const carried = values[entry]! * lengths[latent]!;
    const cosine = cosines[latent]!;
    ofAll += carried;
    if (carried > top.carried) top = { carried, cosine };
    if (main.has(latent)) {
      ofMain += carried;
      mainFires ||= values[entry]! >= SILENT;
    } else if (cosine >= FRACTION_COSINE && carried > 0) absorbers.push(carried);
  }
  const absorbed = absorbers
    .sort((a, b) => b - a)
    .slice(0, MOST_ABSORBERS)
    .reduce((sum, each) => sum + each, 0);
  return {
    fraction: fractionOf(ofMain, absorbed, projection),
    earlierFraction: ofMain >= projection || ofAll <= 0 ? 0 : shareOf((ofAll - ofMain) / ofAll),
    full:
      !mainFires &&
      projection >= 0 &&
      top.cosine >= FULL_COSINE &&
      top.carried > 0 &&
      top.carried / projection >= LEAST_SHARE,
  };
}

function fractionOf(ofMain: number, absorbed: number, projection: number): number {
  if (ofMain >= projection || absorbed / projection < LEAST_SHARE) return 0;
  if (ofMain <= 0) return 1;
  const taken = Math.min(absorbed, projection - ofMain);
  return shareOf(taken / (taken + ofMain));
}

function shareOf(value: number): number {
  return Math.min(1, Math.max(0, value));
}

/**
 * The latents that a letter is split into: as many of the strongest as raise the F1 of a probe on them by more than
 * `jump` each.
 *
 * @param order latents, the strongest first
 * @param f1 of the probe on the first k of them, k from 1 on
 */
export function splitLatents(order: Int32Array, f1: readonly number[], jump: number): Int32Array {
  let k = 0;
  for (let best = Number.NEGATIVE_INFINITY; k < f1.length && f1[k]! > best + jump; k++) best = f1[k]!;
  return order.slice(0, k);
}
