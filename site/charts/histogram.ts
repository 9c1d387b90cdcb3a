/** Histogram of log10 firing frequency: how many latents fire how often. */
import { formatCount, powerOfTen } from '../lib/format.ts';
import { defaultFrame, type Frame, linearAxis, round, type Tick } from './scale.ts';

export interface HistogramGeometry {
  frame: Frame;
  xTicks: Tick[];
  yTicks: Tick[];
  bars: { x: number; y: number; width: number; height: number; title: string }[];
}

/**
 * @param edges bin edges in log10 of firings per token, one more than `counts`
 * @param counts latents in each bin
 */
export function histogram(
  edges: readonly number[],
  counts: readonly number[],
  frame: Frame = { ...defaultFrame, right: 12 },
): HistogramGeometry {
  const first = edges[0] ?? -1;
  const last = edges.at(-1) ?? 0;
  const width = frame.width - frame.right - frame.left;
  const at = (edge: number): number => round(frame.left + ((edge - first) / (last - first || 1)) * width);
  const floor = frame.height - frame.bottom;
  const y = linearAxis([...counts], [floor, frame.top], {
    // At least so high that the ticks are whole numbers.
    include: [0, 4],
    count: 4,
    format: formatCount,
  });
  const xTicks: Tick[] = [];
  for (let power = Math.ceil(first - 1e-9); power <= Math.floor(last + 1e-9); power++) {
    xTicks.push({ at: at(power), label: powerOfTen(power) });
  }
  const bars = counts.map((count, i) => {
    const left = at(edges[i] ?? first);
    const right = at(edges[i + 1] ?? last);
    const top = y.at(count);
    return {
      x: left,
      y: top,
      // A hair of paper between neighbours.
      width: round(Math.max(right - left - 1, 0.5)),
      height: round(floor - top),
      title: `${formatCount(count)} latents fire in 10^${edges[i]} to 10^${edges[i + 1]} of the tokens`,
    };
  });
  return { frame, xTicks, yTicks: y.ticks, bars };
}
