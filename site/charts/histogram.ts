/** Histogram: how many latents fire how often, how many tokens have which value, both over a logarithmic axis; or over a plain one. */
import { formatCount } from '../lib/numbers.ts';
import { defaultFrame, type Frame, linearAxis, logAxis, round, type Tick } from './scale.ts';

export interface HistogramGeometry {
  frame: Frame;
  xTicks: Tick[];
  yTicks: Tick[];
  bars: { x: number; y: number; width: number; height: number; title: string }[];
}

export interface HistogramInput {
  /** Log10 of the bins' bounds, or on a linear axis these, one more than `counts`. */
  edges: readonly number[];
  counts: readonly number[];
  /** Default log. */
  scale?: 'log' | 'linear';
  format: (value: number) => string;
  /** What a bin says, of its count and bounds in words. */
  say: (count: string, from: string, to: string) => string;
  frame?: Frame;
}

export function histogram({
  edges,
  counts,
  scale = 'log',
  format,
  say,
  frame = { ...defaultFrame, right: 12 },
}: HistogramInput): HistogramGeometry {
  const linear = scale === 'linear';
  const bounds = linear ? [...edges] : edges.map((edge) => 10 ** edge);
  const across = [frame.left, frame.width - frame.right] as const;
  const x = linear ? linearAxis(bounds, across, { count: 5, format }) : logAxis(bounds, across, format);
  const floor = frame.height - frame.bottom;
  const y = linearAxis([...counts], [floor, frame.top], {
    // At least so high that the ticks are whole numbers.
    include: [0, 4],
    count: 4,
    format: formatCount,
  });
  const bars = counts.map((count, i) => {
    const [from = 1, to = 1] = bounds.slice(i, i + 2);
    const [left, top] = [x.at(from), y.at(count)];
    return {
      x: left,
      y: top,
      // A hair of paper between neighbours.
      width: round(Math.max(x.at(to) - left - 1, 0.5)),
      height: round(floor - top),
      title: say(formatCount(count), format(from), format(to)),
    };
  });
  return { frame, xTicks: x.ticks, yTicks: y.ticks, bars };
}
