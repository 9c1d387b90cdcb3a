/** Ticks and scales shared by the charts. Everything is pixels in the chart's own view box. */
import { scaleLinear, scaleLog } from 'd3';

export type Scale = 'linear' | 'log';

export interface Tick {
  /** Position along the axis, pixels. */
  at: number;
  label: string;
}

/** Outer size and margins of a chart; text is set at 12 px of this box, so keep it near the size shown. */
export interface Frame {
  width: number;
  height: number;
  left: number;
  right: number;
  top: number;
  bottom: number;
}

export const defaultFrame: Frame = { width: 400, height: 250, left: 46, right: 34, top: 12, bottom: 40 };

export function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

export interface Axis {
  ticks: Tick[];
  /** Position of a value, pixels, rounded to 3 decimals. */
  at: (value: number) => number;
  /** Where 0 lies: on the axis, beyond its low or its high end; a logarithmic axis has none. */
  zero: 'inside' | 'below' | 'above' | null;
}

/** Linear axis over the nice extent of the values. `include` are values the axis must reach. */
export function linearAxis(
  values: readonly number[],
  range: readonly [number, number],
  options: { include?: readonly number[]; count?: number; format: (value: number) => string },
): Axis {
  const [low, high] = linearExtent([...values, ...(options.include ?? [])]);
  const count = options.count ?? 5;
  const scale = scaleLinear().domain([low, high]).nice(count).range(range);
  const [from = low, to = high] = scale.domain();
  const labelled = scale.ticks(count).map((value) => ({ value, label: options.format(value) }));
  // Where the format leaves no decimals, ticks between whole numbers would bear their neighbours' labels.
  const repeats = new Set(labelled.map(({ label }) => label)).size < labelled.length;
  const ticks = repeats ? labelled.filter(({ value }) => Number.isInteger(value)) : labelled;
  return {
    ticks: ticks.map(({ value, label }) => ({ at: round(scale(value)), label })),
    at: (value) => round(scale(value)),
    zero: from > 0 ? 'below' : to < 0 ? 'above' : 'inside',
  };
}

function linearExtent(values: readonly number[]): [number, number] {
  if (values.length === 0) return [0, 1];
  const [low, high] = extent(values);
  if (low !== high) return [low, high];
  return low === 0 ? [0, 1] : [low - Math.abs(low) * 0.1, high + Math.abs(high) * 0.1];
}

/** Smallest and largest, of any number of values. */
export function extent(values: readonly number[]): [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

/** Logarithmic axis; values must be positive. Ticks at a few round numbers a decade, the fewer the more decades. */
export function logAxis(
  values: readonly number[],
  range: readonly [number, number],
  format: (value: number) => string,
): Axis {
  let [low, high] = values.length === 0 ? [1, 10] : extent(values);
  if (low === high) [low, high] = [low / 2, high * 2];
  const scale = scaleLog().domain([low, high]).range(range);
  const decades = Math.log10(high / low);
  const leads =
    decades > 2.2
      ? [1]
      : decades > 1.4
        ? [1, 3]
        : decades > 0.5
          ? [1, 2, 5]
          : [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8];
  const ticks: Tick[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    for (const lead of leads) {
      const value = Number(`${lead}e${power}`);
      if (value >= low * 0.999 && value <= high * 1.001) {
        ticks.push({ at: round(scale(value)), label: format(value) });
      }
    }
  }
  return { ticks, at: (value) => round(scale(value)), zero: null };
}
