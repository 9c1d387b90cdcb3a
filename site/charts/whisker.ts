/**
 * Geometry of a value with its interval on a short horizontal scale. Plain arithmetic, no d3: islands draw it too.
 */

export interface WhiskerScale {
  /** Value at the left and right end. */
  domain: readonly [number, number];
  /** Pixels. */
  width: number;
}

export interface WhiskerGeometry {
  point: number;
  low: number | null;
  high: number | null;
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/** Positions in pixels, kept inside the scale. */
export function whisker(
  scale: WhiskerScale,
  value: number,
  low: number | null,
  high: number | null,
): WhiskerGeometry {
  const [from, to] = scale.domain;
  const at = (v: number): number =>
    round((Math.min(Math.max(v, from), to) - from) * (to > from ? scale.width / (to - from) : 0));
  return {
    point: at(value),
    low: low === null ? null : at(low),
    high: high === null ? null : at(high),
  };
}

/** The shortest domain with ends at multiples of 0.05 that holds every value and bound, at least 0.1 wide. */
export function whiskerDomain(values: readonly number[]): [number, number] {
  if (values.length === 0) return [0, 1];
  const step = 0.05;
  // The hair keeps 0.75 / 0.05 from rounding up to the next step.
  let from = Math.floor(Math.min(...values) / step + 1e-9) * step;
  let to = Math.ceil(Math.max(...values) / step - 1e-9) * step;
  while (to - from < 0.1 - 1e-9) {
    from -= step;
    to += step;
  }
  return [round(from), round(to)];
}
