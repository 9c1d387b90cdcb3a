/** What training logs of an SAE at each point of its trajectory, and how it is drawn. */

import { type DefinitionId, definitions } from '../../runner/report/definitions.ts';
import type { TrajectoryPoint } from '../../runner/report/schema.ts';
import { type FormatName, fixed } from '../charts/formats.ts';
import { extent, type Scale } from '../charts/scale.ts';

/** What training logs. */
export type LoggedKey = Exclude<keyof TrajectoryPoint, 'tokens' | 'step'>;

export interface TrajectoryMetric {
  /** Of what was logged, or the id of a definition. */
  key: string;
  title: string;
  /** What the number is, where the title leaves a doubt. */
  meaning: string;
  /** Where a value is read out, and at the ticks of an axis. */
  values: FormatName;
  ticks: FormatName;
  /** Drawn on a logarithmic axis where it spans more than a decade. */
  spansDecades: boolean;
  /** Values that a linear axis reaches. */
  include: readonly number[];
  /** Whether it is drawn before the reader chooses. */
  shown: boolean;
  /** Where it is defined. */
  definition?: DefinitionId;
}

/** A metric that training logs, and the definitions that measure the same of a checkpoint. */
export type LoggedMetric = TrajectoryMetric & { key: LoggedKey; measuredBy: readonly DefinitionId[] };

/** An axis of counts reaches at least here, so that its ticks are whole numbers. */
const LEAST_COUNT = 5;

function positive(key: LoggedKey, title: string, meaning: string, spansDecades: boolean): LoggedMetric {
  const format = { values: 'brief', ticks: 'brief' } as const;
  return { key, title, meaning, ...format, spansDecades, include: [0], shown: true, measuredBy: [] };
}

/** In reading order. */
export const trajectoryMetrics: readonly LoggedMetric[] = [
  {
    key: 'var_exp',
    title: 'Variance explained',
    meaning: '',
    values: 'fixed3',
    ticks: 'fixed2',
    spansDecades: false,
    include: [],
    shown: true,
    measuredBy: ['var_exp@pooled-v1', 'var_exp@chunk-v1'],
  },
  positive('loss', 'Loss', 'of the step, AuxK’s part included', true),
  {
    key: 'dead',
    title: 'Dead latents',
    meaning: '',
    values: 'count',
    ticks: 'count',
    spansDecades: false,
    include: [0, LEAST_COUNT],
    shown: true,
    measuredBy: [],
  },
  positive('aux_loss', 'AuxK loss', 'of the step', false),
  positive('sparsity_loss', 'Sparsity loss', 'of the step', false),
  {
    ...positive('l0', 'L0', 'of the step, latents per token', false),
    include: [],
    measuredBy: ['l0@v1'],
  },
  positive('gradient_norm', 'Gradient norm', 'global, before clipping', true),
  positive('learning_rate', 'Learning rate', '', false),
  {
    ...positive('tokens_per_second', 'Tokens per second', 'of the whole run', false),
    values: 'tokens',
    ticks: 'tokens',
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
    values: fixed(digits),
    ticks: 'brief',
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
  const [low, high] = extent(values);
  return metric.spansDecades && low > 0 && high / low > LOG_FROM ? 'log' : 'linear';
}

/** Below this share of their size, values that change do not make a picture. */
const FLAT = 0.005;

/** Whether no series of a metric moves. */
export function isFlat(series: readonly (readonly number[])[]): boolean {
  return series.every((values) => {
    const [low, high] = extent(values);
    return values.length === 0 || high - low <= FLAT * Math.max(Math.abs(low), Math.abs(high));
  });
}
