/**
 * Comparing two records whose values were resampled alike: the paired bootstrap. A record carries, for the values one
 * ranks by, what each resample gave, with keys that say what was drawn and from which rows; records of any runs over
 * the same rows of one model can then be compared, without evaluating anything again. Free of zod: the browser compares too.
 */

import { freedomOf, type VariancePart, variancePart, widening } from '../math/freedom.ts';
import { quantiles } from '../math/quantile.ts';
import { type DefinitionId, interpScoreComponents } from './definitions.ts';
import { measureOf } from './measures.ts';
import { modelIdentity } from './model-identity.ts';
import { type Influences, nameOf, type Unpacked, unpack, weightsOf } from './paired-draws.ts';
import type { EvaluationRecord, Paired, PairedDraws } from './schema.ts';

/** Values that carry their resamples whatever suites a run has; others are those that a suite's own statistics give. */
export const pairedIds = [
  'interpscore@0.0.1',
  ...Object.values(interpScoreComponents).map(({ definition }) => definition),
  'var_exp@pooled-v1',
  'loss_recovered@pooled-v1',
] as const satisfies readonly DefinitionId[];

export type PairedId = (typeof pairedIds)[number];

export interface PairedDifference {
  /** The first record's value less the second's. */
  value: number;
  low: number;
  high: number;
  /** Whether the interval leaves 0 out. */
  resolved: boolean;
  /**
   * Studentised: each resample's distance in that resample's own standard error, as interval.ts does it. Percentile where
   * a record has no influences, which is too narrow by the smallness of the number of rows.
   */
  method: 'studentised' | 'percentile';
}

/** A resample's standard error below this share of the whole one counts as none; so does one that rounding alone could give. */
const NEGLIGIBLE = 1e-6;

/**
 * The difference of two records' values with its 95 % interval, of this pair alone, or null where they were not resampled
 * over the same rows, or not of the same model, unless they are of the same SAE.
 */
export function pairedDifference(
  a: EvaluationRecord,
  b: EvaluationRecord,
  id: string,
): PairedDifference | null {
  // Of one SAE on two models the same rows are a pair too: what differs is the model.
  const [first, second] = [drawsOf(a, id), drawsOf(sameSae(a, b) ? { ...b, model: a.model } : b, id)];
  return first === null || second === null || first.rows !== second.rows ? null : pairedOf(first, second);
}

function sameSae({ sae: a }: EvaluationRecord, { sae: b }: EvaluationRecord): boolean {
  return a.sha256 !== null && a.sha256 === b.sha256 && a.hook === b.hook && a.reads === b.reads;
}

/** The same of values that are known to be over the same rows. */
export function pairedOf(first: Drawn, second: Drawn): PairedDifference {
  const value = first.value - second.value;
  const samples = first.samples.map((sample, draw) => sample - second.samples[draw]!);
  const influences = influenceDifference(first, second);
  const studentised = influences && studentise(value, samples, influences);
  const [low, high] = studentised ?? quantiles(samples, [0.025, 0.975]);
  return {
    value,
    low: low!,
    high: high!,
    resolved: low! > 0 || high! < 0,
    method: studentised ? 'studentised' : 'percentile',
  };
}

/** What a record knows of one value in its resamples. */
export interface Drawn extends Unpacked {
  value: number;
  /** Equal where two values were resampled over the same rows in the same draws, of the same model. */
  rows: string;
}

/** Null where the record has no such value, or no resamples of it. */
export function drawsOf(record: EvaluationRecord, id: string): Drawn | null {
  const { paired } = record;
  const draws = paired?.draws[id];
  const value = measureOf(record, id)?.value;
  if (!paired || !draws || value == null) return null;
  const unpacked = unpack(value, draws, paired);
  if (unpacked === null) return null;
  const key = rowsKey(paired, draws);
  return key === undefined
    ? null
    : { ...unpacked, value, rows: `${modelIdentity(record.model)} ${paired.count} ${key}` };
}

/** Names the rows that a value was resampled over; undefined where the record does not say. */
function rowsKey({ tokens, probes, suites = {} }: Paired, { over, suite }: PairedDraws): string | undefined {
  switch (over) {
    case 'tokens':
      return tokens;
    case 'probes':
      return probes;
    case 'both':
      return `${tokens} ${probes}`;
    case 'suite':
      return suite === undefined ? undefined : suites[suite];
    default:
      return over satisfies never;
  }
}

/** Influences of the difference; null where either has none. */
function influenceDifference(a: Unpacked, b: Unpacked): Influences[] | null {
  if (a.influences === null || b.influences === null) return null;
  const theirs = new Map(b.influences.map((each) => [nameOf(each.source), each]));
  const found = a.influences.map((own) => {
    const other = theirs.get(nameOf(own.source));
    theirs.delete(nameOf(own.source));
    if (other === undefined) return own;
    const values = own.values.map((each, i) => each - other.values[i]!);
    return { source: own.source, values, rounding: own.rounding + other.rounding };
  });
  const alone = [...theirs.values()].map((other) => ({
    ...other,
    values: other.values.map((each) => -each),
  }));
  return [...found, ...alone];
}

/** The ends of the studentised interval; null where no standard error can be had. */
function studentise(
  value: number,
  samples: Float64Array,
  influences: readonly Influences[],
): [number, number] | null {
  const count = samples.length;
  let whole = 0;
  let rounded = 0;
  const parts: VariancePart[] = [];
  const squared = new Float64Array(count);
  for (const { source, values, rounding } of influences) {
    const weights = weightsOf(source, count);
    let start = 0;
    for (const n of source.strata) {
      const share = n > 1 ? 1 / (n * (n - 1)) : 0;
      const part = variancePart(values.subarray(start, start + n), share);
      parts.push(part);
      whole += part.squares;
      rounded += share * n * rounding ** 2;
      for (let b = 0; b < count; b++) {
        const row = b * values.length;
        let mean = 0;
        for (let i = start; i < start + n; i++) mean += (weights[row + i]! * values[i]!) / n;
        let spread = 0;
        for (let i = start; i < start + n; i++) spread += weights[row + i]! * (values[i]! - mean) ** 2;
        squared[b]! += share * spread;
      }
      start += n;
    }
  }
  whole = Math.sqrt(whole);
  if (!(whole > 0)) return null;
  // Where few blocks carry the difference, resamples without them have no error but that of the rounding.
  const none = Math.max(NEGLIGIBLE * whole, Math.sqrt(rounded));
  const distances = samples.map((sample, b) => {
    const error = Math.sqrt(squared[b]!);
    return sample === value ? 0 : (sample - value) / (error <= none ? 0 : error);
  });
  const [least, most] = quantiles(distances, [0.025, 0.975]);
  const scale = whole * widening(freedomOf(parts));
  const ends: [number, number] = [value - most! * scale, value - least! * scale];
  return ends.every(Number.isFinite) ? ends : null;
}
