/** A value with its interval on a strip of its own, between what knows nothing and what could be had. Plain arithmetic. */
import { round } from './scale.ts';

export interface StripInput {
  value: number;
  low: number | null;
  high: number | null;
  /** What an untrained SAE or a guess scores, and what a reference does; null where nobody measured them. */
  floor: number | null;
  reference: number | null;
  /** Bounds of the statistic; null where it has none on that side. */
  bounds: readonly [number | null, number | null];
}

export interface StripGeometry {
  width: number;
  point: number;
  low: number | null;
  high: number | null;
  floor: number | null;
  reference: number | null;
  /** Place of 0 where it lies inside. */
  zero: number | null;
  /** Values at the ends. */
  from: number;
  to: number;
}

/** Whole scale where a statistic is bounded on both sides; else from 0, or what is lower, to a round value above all. */
export function strip(input: StripInput, width = 120): StripGeometry {
  const { value, low, high, floor, reference, bounds } = input;
  const all = [value, low, high, floor, reference].filter((each) => each !== null);
  const from = bounds[0] ?? Math.min(0, ...all);
  const to = bounds[1] ?? roundUp(Math.max(...all, from + 1e-9));
  const at = (each: number): number =>
    round((Math.min(Math.max(each, from), to) - from) * (width / (to - from)));
  const placed = (each: number | null): number | null => (each === null ? null : at(each));
  return {
    width,
    point: at(value),
    low: placed(low),
    high: placed(high),
    floor: placed(floor),
    reference: placed(reference),
    zero: from < 0 && to > 0 ? at(0) : null,
    from,
    to,
  };
}

/** The next of 1, 2, 5 times a power of ten. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1e-12)));
  return (([1, 2, 5, 10].find((lead) => lead * power >= value * (1 - 1e-9)) ?? 10) * power * 1e12) / 1e12;
}
