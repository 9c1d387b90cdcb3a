/**
 * Comparing two records whose values were resampled alike: the paired bootstrap. A record carries, for the values one
 * ranks by, what each resample gave, with keys that say what was drawn and from which rows; records of any runs over
 * the same rows can then be compared, without evaluating anything again. Free of zod: the browser compares too.
 */
import { type DefinitionId, interpScoreComponents } from './definitions.ts';
import { measureOf } from './measures.ts';
import type { EvaluationRecord, PairedDraws } from './schema.ts';

/** Values that carry their resamples. */
export const pairedIds = [
  'interpscore@0.0.1',
  ...Object.values(interpScoreComponents).map(({ definition }) => definition),
  'var_exp@pooled-v1',
  'loss_recovered@pooled-v1',
] as const satisfies readonly DefinitionId[];

export type PairedId = (typeof pairedIds)[number];

/** Levels a resample's value is rounded to, between the least and the largest: a byte each. */
const LEVELS = 255;

/**
 * Values of the resamples as they are stored. Rounding moves each by at most 1/510 of their range, about 0.7 % of the
 * width of an interval.
 */
export function packDraws(samples: ArrayLike<number>): { low: number; step: number; levels: string } {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let b = 0; b < samples.length; b++) {
    low = Math.min(low, samples[b]!);
    high = Math.max(high, samples[b]!);
  }
  const step = (high - low) / LEVELS;
  let bytes = '';
  for (let b = 0; b < samples.length; b++) {
    bytes += String.fromCharCode(step > 0 ? Math.round((samples[b]! - low) / step) : 0);
  }
  return { low, step, levels: btoa(bytes) };
}

export function unpackDraws({
  low,
  step,
  levels,
}: Pick<PairedDraws, 'low' | 'step' | 'levels'>): Float64Array {
  return Float64Array.from(atob(levels), (byte) => low + step * byte.charCodeAt(0));
}

export interface PairedDifference {
  /** The first record's value less the second's. */
  value: number;
  low: number;
  high: number;
  /** Whether the interval leaves 0 out. */
  resolved: boolean;
}

/**
 * The difference of two records' values with its 95 % interval (percentile, of the differences in each resample), or
 * null where they were not resampled over the same rows.
 */
export function pairedDifference(
  a: EvaluationRecord,
  b: EvaluationRecord,
  id: PairedId,
): PairedDifference | null {
  const [one, two] = [a.paired, b.paired];
  const [first, second] = [one?.draws[id], two?.draws[id]];
  const [ours, theirs] = [measureOf(a, id)?.value, measureOf(b, id)?.value];
  if (!one || !two || !first || !second || ours == null || theirs == null) return null;
  if (one.count !== two.count || first.over !== second.over) return null;
  const sameTokens = one.tokens === two.tokens;
  const sameProbes = one.probes === two.probes;
  const comparable = { tokens: sameTokens, probes: sameProbes, both: sameTokens && sameProbes };
  if (!comparable[first.over]) return null;
  const others = unpackDraws(second);
  const differences = unpackDraws(first)
    .map((value, draw) => value - others[draw]!)
    .sort();
  const [low, high] = [quantile(differences, 0.025), quantile(differences, 0.975)];
  return { value: ours - theirs, low, high, resolved: low > 0 || high < 0 };
}

/** Of sorted values, by linear interpolation between neighbours. */
function quantile(sorted: Float64Array, share: number): number {
  const position = share * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below]!;
  return low + (position - below) * (sorted[Math.min(below + 1, sorted.length - 1)]! - low);
}
