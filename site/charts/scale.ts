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
}

/** Linear axis over the nice extent of the values. `include` are values the axis must reach. */
export function linearAxis(
  values: readonly number[],
  range: readonly [number, number],
  options: { include?: readonly number[]; count?: number; format: (value: number) => string },
): Axis {
  const all = [...values, ...(options.include ?? [])];
  let low = Math.min(...all);
  let high = Math.max(...all);
  if (all.length === 0) [low, high] = [0, 1];
  if (low === high)
    [low, high] = low === 0 ? [0, 1] : [low - Math.abs(low) * 0.1, high + Math.abs(high) * 0.1];
  const count = options.count ?? 5;
  const scale = scaleLinear().domain([low, high]).nice(count).range(range);
  return {
    ticks: scale.ticks(count).map((value) => ({ at: round(scale(value)), label: options.format(value) })),
    at: (value) => round(scale(value)),
  };
}

/** Logarithmic axis; values must be positive. Ticks at 1, 2 and 5 times the powers of ten, or at the powers alone. */
export function logAxis(
  values: readonly number[],
  range: readonly [number, number],
  format: (value: number) => string,
): Axis {
  let low = Math.min(...values);
  let high = Math.max(...values);
  if (values.length === 0) [low, high] = [1, 10];
  if (low === high) [low, high] = [low / 2, high * 2];
  const scale = scaleLog().domain([low, high]).range(range);
  const decades = Math.log10(high / low);
  const leads = decades > 2.2 ? [1] : decades > 1.4 ? [1, 3] : [1, 2, 5];
  const ticks: Tick[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    for (const lead of leads) {
      const value = Number(`${lead}e${power}`);
      if (value >= low * 0.999 && value <= high * 1.001) {
        ticks.push({ at: round(scale(value)), label: format(value) });
      }
    }
  }
  return { ticks, at: (value) => round(scale(value)) };
}
