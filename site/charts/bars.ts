/** Horizontal bars from zero with intervals: the losses of the spliced model. */
import { linearAxis, round, type Tick } from './scale.ts';

export interface BarDatum {
  label: string;
  value: number;
  low: number | null;
  high: number | null;
  text: string;
}

export interface BarsGeometry {
  width: number;
  height: number;
  left: number;
  /** Bottom of the plot, where the axis stands. */
  floor: number;
  ticks: Tick[];
  bars: {
    label: string;
    text: string;
    y: number;
    middle: number;
    thickness: number;
    length: number;
    low: number | null;
    high: number | null;
    textAt: number;
  }[];
}

const PITCH = 34;
const THICKNESS = 16;

export function bars(data: readonly BarDatum[], width = 400): BarsGeometry {
  const left = 84;
  const right = 64;
  const floor = data.length * PITCH + 4;
  const highest = data.map((datum) => datum.high ?? datum.value);
  const x = linearAxis(highest, [left, width - right], { include: [0], count: 5, format: String });
  return {
    width,
    height: floor + 38,
    left,
    floor,
    ticks: x.ticks,
    bars: data.map((datum, i) => {
      const y = i * PITCH + (PITCH - THICKNESS) / 2;
      const end = x.at(datum.value);
      const high = datum.high === null ? null : x.at(datum.high);
      return {
        label: datum.label,
        text: datum.text,
        y,
        middle: y + THICKNESS / 2,
        thickness: THICKNESS,
        length: round(end - left),
        low: datum.low === null ? null : x.at(datum.low),
        high,
        textAt: round(Math.max(end, high ?? 0) + 6),
      };
    }),
  };
}
