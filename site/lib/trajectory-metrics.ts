/** What training logs of an SAE at each point of its trajectory, and how it is drawn. */

import { type DefinitionId, definitions } from '../../runner/report/definitions.ts';
import type { TrajectoryPoint } from '../../runner/report/schema.ts';
import type { Scale } from '../charts/scale.ts';
import { formatBrief, formatCount, formatNumber, formatTokens } from './format.ts';

/** What training logs. */
export type LoggedKey = Exclude<keyof TrajectoryPoint, 'tokens' | 'step'>;

export interface TrajectoryMetric {
  /** Of what was logged, or the id of a definition. */
  key: string;
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
  /** Whether it is drawn before the reader chooses. */
  shown: boolean;
  /** Where it is defined. */
  definition?: DefinitionId;
}

/** A metric that training logs. */
export type LoggedMetric = TrajectoryMetric & { key: LoggedKey };

/** An axis of counts reaches at least here, so that its ticks are whole numbers. */
const LEAST_COUNT = 5;

function positive(key: LoggedKey, title: string, meaning: string, spansDecades: boolean): LoggedMetric {
  const format = formatBrief;
  return { key, title, meaning, format, formatTick: format, spansDecades, include: [0], shown: true };
}

/** In reading order. */
export const trajectoryMetrics: readonly LoggedMetric[] = [
  {
    key: 'var_exp',
    title: 'Variance explained',
    meaning: '',
    format: (value) => formatNumber(value, 3),
    formatTick: (value) => formatNumber(value, 2),
    spansDecades: false,
    include: [],
    shown: true,
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
    shown: true,
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

/** Those that are drawn first of all that may be measured at light checkpoints. */
const first: readonly DefinitionId[] = [
  'interpscore@0.0.1',
  'var_exp@pooled-v1',
  'loss_recovered@interpscore-0.0.1',
  'alive@v1',
];

/** A metric as it is measured, with its interval. */
export function measuredMetric(id: DefinitionId): TrajectoryMetric {
  const { title, digits } = definitions[id];
  return {
    key: id,
    title,
    meaning: '',
    format: (value) => formatNumber(value, digits),
    formatTick: formatBrief,
    spansDecades: false,
    include: [],
    shown: first.includes(id),
    definition: id,
  };
}

/** A decade. */
const LOG_FROM = 10;

/** The scale that shows these values of a metric. */
export function scaleOf(metric: TrajectoryMetric, values: readonly number[]): Scale {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return metric.spansDecades && low > 0 && high / low > LOG_FROM ? 'log' : 'linear';
}
