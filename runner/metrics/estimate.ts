/** What metrics are made of: a value, its resamples, and the interval that follows from them. */
import type { IntervalMethod } from '../report/interval-methods.ts';
import type { Resamples } from './bootstrap.ts';

export interface Estimate {
  value: number;
  /** The value in each resample; empty where no interval can be given, and then `intervalNote` says why. */
  samples: Float64Array;
  /** For each set of blocks the value depends on, its value with one of them left out. */
  leftOut: readonly LeftOut[];
  intervalNote?: string;
  /** What its interval is, where it is not that of its own resamples. */
  basis?: Basis;
}

/** An interval by a formula of its own, or the image of another estimate's. Data, so that statistics can be kept. */
export type Basis =
  | { kind: 'formula'; interval: MadeInterval }
  | { kind: 'image'; of: Estimate; map: IntervalMap };

/** x cut to a range; 1 − x; exp(−|x|). */
export type IntervalMap =
  | { to: 'cut'; range: readonly [number, number] }
  | { to: 'complement' }
  | { to: 'folded-exponential' };

export interface LeftOut {
  resamples: Resamples;
  /** [blocks] */
  values: Float64Array;
}

export interface Interval {
  low: number;
  high: number;
}

export interface MadeInterval extends Interval {
  method: IntervalMethod;
}
