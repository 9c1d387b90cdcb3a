/** What training logs of an SAE at each point of its trajectory, and how it is drawn. */
import type { TrajectoryPoint } from '../../runner/report/schema.ts';
import type { Scale } from '../charts/scale.ts';
import { formatBrief, formatCount, formatNumber, formatTokens } from './format.ts';

export type MetricKey = Exclude<keyof TrajectoryPoint, 'tokens' | 'step'>;

export interface TrajectoryMetric {
  key: MetricKey;
  title: string;
  /** What the number is, where the title leaves a doubt. */
  meaning: string;
  format: (value: number) => string;
  /** At the ticks of an axis. */
  formatTick: (value: number) => string;
  /** Drawn on a logarithmic axis where it spans more than a decade. */
  spansDecades: boolean;
  /** Values that a linear axis reaches. */
  include: readonly number[];
}

/** An axis of counts reaches at least here, so that its ticks are whole numbers. */
const LEAST_COUNT = 5;

function positive(key: MetricKey, title: string, meaning: string, spansDecades: boolean): TrajectoryMetric {
  return { key, title, meaning, format: formatBrief, formatTick: formatBrief, spansDecades, include: [0] };
}

/** In reading order. */
export const trajectoryMetrics: readonly TrajectoryMetric[] = [
  {
    key: 'var_exp',
    title: 'Variance explained',
    meaning: '',
    format: (value) => formatNumber(value, 3),
    formatTick: (value) => formatNumber(value, 2),
    spansDecades: false,
    include: [],
  },
  positive('loss', 'Loss', 'of the step, AuxK’s part included', true),
  {
    key: 'dead',
    title: 'Dead latents',
    meaning: '',
    format: formatCount,
    formatTick: formatCount,
    spansDecades: false,
    include: [0, LEAST_COUNT],
  },
  positive('aux_loss', 'AuxK loss', 'of the step', false),
  { ...positive('l0', 'L0', 'of the step, latents a token', false), include: [] },
  positive('gradient_norm', 'Gradient norm', 'global, before clipping', true),
  positive('learning_rate', 'Learning rate', '', false),
  {
    ...positive('tokens_per_second', 'Tokens per second', 'of the whole run', false),
    format: formatTokens,
    formatTick: formatTokens,
  },
];

/** A decade. */
const LOG_FROM = 10;

/** The scale that shows these values of a metric. */
export function scaleOf(metric: TrajectoryMetric, values: readonly number[]): Scale {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return metric.spansDecades && low > 0 && high / low > LOG_FROM ? 'log' : 'linear';
}
