/**
 * How a record stores what resamples gave, so that SAEs over the same rows can be compared later: the influence of each
 * block on the value (two bytes per block), from which follow its standard error in every resample and, to first order,
 * its value there; and what each resample gave beyond that (a byte per resample). Which blocks a resample drew is made
 * again from the seed. Free of zod: the browser compares too.
 */
import { drawBlocks } from '../math/draws.ts';
import type { Paired, PairedDraws } from './paired-schema.ts';

/** Blocks drawn among one another: a seed that names the draws, and the sizes of the strata. */
export type Source = NonNullable<Paired['sources']>[number];

/** The influences of one source's blocks, stratum after stratum: n times what a block moves the value by. */
export interface Influences {
  source: Source;
  values: Float64Array;
  /** How far a value may be from what was stored. */
  rounding: number;
}

/** A value in every resample; with the influences behind it where the record has them. */
export interface Unpacked {
  samples: Float64Array;
  influences: readonly Influences[] | null;
}

/** Levels a resample's value is rounded to, between the least and the largest: a byte each. */
const LEVELS = 255;
/** The largest level of an influence. */
const LARGEST = 32_767;

/**
 * Values of the resamples as they are stored. Rounding moves each by at most 1/510 of their range: without influences
 * about 0.7 % of the width of an interval, with them far less.
 */
export function packDraws(samples: ArrayLike<number>): { low: number; step: number; levels: string } {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let b = 0; b < samples.length; b++) {
    low = Math.min(low, samples[b]!);
    high = Math.max(high, samples[b]!);
  }
  const step = (high - low) / LEVELS;
  const bytes = new Uint8Array(samples.length);
  for (let b = 0; b < samples.length && step > 0; b++) bytes[b] = Math.round((samples[b]! - low) / step);
  return { low, step, levels: base64(bytes) };
}

export function unpackDraws({
  low,
  step,
  levels,
}: Pick<PairedDraws, 'low' | 'step' | 'levels'>): Float64Array {
  const bytes = atob(levels);
  const samples = new Float64Array(bytes.length);
  for (let b = 0; b < bytes.length; b++) samples[b] = low + step * bytes.charCodeAt(b);
  return samples;
}

/** The value in every resample beside the influences behind it, packed against each other. */
export function packWithInfluences(
  value: number,
  samples: Float64Array,
  influences: readonly Omit<Influences, 'rounding'>[],
  sources: readonly Source[],
): Pick<PairedDraws, 'low' | 'step' | 'levels' | 'influences'> {
  const packed = influences.map(({ source, values }) => {
    const step = values.reduce((most, each) => Math.max(most, Math.abs(each)), 0) / LARGEST;
    const levels = Int16Array.from(values, (each) => (step > 0 ? Math.round(each / step) : 0));
    const bytes = new Uint8Array(2 * levels.length);
    const view = new DataView(bytes.buffer);
    levels.forEach((level, i) => {
      view.setInt16(2 * i, level, true);
    });
    return { source: sources.findIndex((each) => sameSource(each, source)), step, levels: base64(bytes) };
  });
  // Against what a reader will compute, so that rounding of the influences does not stay.
  const linear = firstOrder(value, unpackInfluences(packed, sources)!, samples.length);
  return { ...packDraws(samples.map((sample, b) => sample - linear[b]!)), influences: packed };
}

/**
 * Null where the parts do not fit one another.
 *
 * @param value the value itself, as the record holds it
 */
export function unpack(
  value: number,
  draws: PairedDraws,
  paired: Pick<Paired, 'count' | 'sources'>,
): Unpacked | null {
  const rest = unpackDraws(draws);
  const { sources } = paired;
  if (draws.influences === undefined || sources === undefined) return { samples: rest, influences: null };
  const influences = unpackInfluences(draws.influences, sources);
  if (influences === null || rest.length !== paired.count) return null;
  const linear = firstOrder(value, influences, paired.count);
  return { samples: rest.map((each, b) => each + linear[b]!), influences };
}

/** Null where they do not fit the sources. */
export function unpackInfluences(
  packed: NonNullable<PairedDraws['influences']>,
  sources: readonly Source[],
): Influences[] | null {
  const influences: Influences[] = [];
  for (const { source: number, step, levels } of packed) {
    const source = sources[number];
    const bytes = Uint8Array.from(atob(levels), (byte) => byte.charCodeAt(0));
    if (source === undefined || bytes.length !== 2 * blocksOf(source)) return null;
    const view = new DataView(bytes.buffer);
    const values = Float64Array.from(
      { length: blocksOf(source) },
      (_, i) => step * view.getInt16(2 * i, true),
    );
    influences.push({ source, values, rounding: step / 2 });
  }
  return influences;
}

/** value + Σ over sources and blocks of (times drawn − 1) · influence / n, in each resample. */
function firstOrder(value: number, influences: readonly Influences[], count: number): Float64Array {
  const linear = new Float64Array(count).fill(value);
  for (const { source, values } of influences) {
    const weights = weightsOf(source, count);
    const shares = perStratum(source, (n) => 1 / n).map((share, i) => share * values[i]!);
    const all = shares.reduce((sum, share) => sum + share, 0);
    for (let b = 0, at = 0; b < count; b++) {
      let sum = -all;
      for (let i = 0; i < shares.length; i++, at++) sum += weights[at]! * shares[i]!;
      linear[b]! += sum;
    }
  }
  return linear;
}

function sameSource(a: Source, b: Source): boolean {
  return a === b || nameOf(a) === nameOf(b);
}

export function nameOf({ seed, strata }: Source): string {
  return JSON.stringify([seed, strata]);
}

/** A number of each block that depends on the size of its stratum. */
export function perStratum({ strata }: Source, of: (size: number) => number): Float64Array {
  return Float64Array.from(strata.flatMap((size) => new Array<number>(size).fill(of(size))));
}

function blocksOf({ strata }: Source): number {
  return strata.reduce((sum, size) => sum + size, 0);
}

/** Draws made before, by what they follow from: records over the same rows share them. */
const drawn = new Map<string, Uint16Array>();
const KEPT = 32;

/** [count, blocks]: times each block was drawn, blocks in the order of their strata. */
export function weightsOf(source: Source, count: number): Uint16Array {
  const key = `${nameOf(source)} ${count}`;
  const known = drawn.get(key);
  if (known !== undefined) return known;
  let from = 0;
  const strata = source.strata.map((size) => {
    const start = from;
    from += size;
    return Int32Array.from({ length: size }, (_, i) => start + i);
  });
  const made = drawBlocks(strata, from, count, source.seed);
  if (drawn.size >= KEPT) drawn.delete(drawn.keys().next().value!);
  drawn.set(key, made);
  return made;
}

function base64(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
